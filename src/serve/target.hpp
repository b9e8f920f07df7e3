// SPDX-License-Identifier: Apache-2.0
// What a request asks for: its path in parts, its query's values.
#pragma once

#include <osprey/result.hpp>

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace osprey::serve {

struct Target {
  std::vector<std::string> path;             ///< "/a/b%20c": "a", "b c"; "/": ""
  std::map<std::string, std::string> query;  ///< each key once
};

/// kInvalidArgument: no absolute path, a bad %-sequence, a key given twice, a control character.
/// A part never holds a slash or backslash, and is never "." or "..": kNotFound.
Result<Target> parse_target(std::string_view text);

/// Whether `name` may be that of a stream or file: 1 to 128 characters of UTF-8, no slash,
/// backslash or control character, and no dot first.
bool is_name(std::string_view name);

/// Whether it is 1 to `most` characters of UTF-8 without control characters.
bool is_text(std::string_view text, std::size_t most);

/// The text with all but letters, digits, '-', '.', '_' and '~' as %XX.
std::string percent_encoded(std::string_view text);

}  // namespace osprey::serve
