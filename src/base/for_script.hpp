// SPDX-License-Identifier: Apache-2.0
// JSON within a page's script.
#pragma once

#include <string>

namespace osprey::base {

/// The same JSON, in which no text ends the script that holds it.
inline std::string for_script(const std::string& json) {
  std::string safe;
  for (const char c : json) {
    if (c == '<') {
      safe += "\\u003c";
    } else {
      safe += c;
    }
  }
  return safe;
}

}  // namespace osprey::base
