// SPDX-License-Identifier: Apache-2.0
// JSON strings and numbers appended to text: what a line a frame needs, without a tree in memory.
#pragma once

#include <charconv>
#include <concepts>
#include <string>
#include <string_view>

namespace osprey::sinks {

/// `text` as a JSON string, quotes included. Bytes that are no UTF-8 become U+FFFD, one for each
/// maximal part of a character (as Unicode recommends), so that the output is always valid.
void append_json_string(std::string& out, std::string_view text);

/// The shortest digits that read back as the same float; "null" for what JSON cannot say (infinite,
/// not a number). Independent of the locale.
void append_json_number(std::string& out, float value);

void append_json_number(std::string& out, std::integral auto value) {
  char digits[24];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

}  // namespace osprey::sinks
