// SPDX-License-Identifier: Apache-2.0
// A request's header as it came, looked at before the library that speaks HTTP reads it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace osprey::serve {

/// What is taken from the header, and what is left of it.
struct HeaderBlock {
  int refused = 0;   ///< the status it is to be answered with; 0: it is sound
  std::string text;  ///< without the Range field
  std::string range;
  std::uint64_t content_length = 0;
  bool chunked = false;
};

/// Where the header in `bytes` ends, behind its empty line; npos: not yet.
std::size_t header_end(std::string_view bytes);

/// Refuses what can be read in two ways: lines that do not end with CR LF, folded or nameless
/// fields, control characters, Host or Content-Length twice or malformed, Content-Length with
/// Transfer-Encoding; more than 100 fields (431), a first line of more than 4096 bytes (414).
HeaderBlock check_header(std::string_view bytes);

}  // namespace osprey::serve
