// SPDX-License-Identifier: Apache-2.0
// The files of web/ and openapi.json, which are compiled into the program.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace osprey::serve {

struct Asset {
  std::string_view name, text;
};

/// Made by CMake.
const std::vector<Asset>& assets();

/// Null if there is none.
const Asset* find_asset(std::string_view name);

/// A file's kind by the ending of its name: "text/css; charset=utf-8".
std::string content_type_of(std::string_view name);

}  // namespace osprey::serve
