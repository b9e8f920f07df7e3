// SPDX-License-Identifier: Apache-2.0
// Files, whole or in part.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "serve/exchange.hpp"

namespace osprey::serve {

struct ByteRange {
  std::uint64_t begin = 0, length = 0;
};

/// What a Range field asks of `size` bytes. Nothing: all of it, as for several ranges or what is no
/// range at all. A length of 0: there is no such part.
std::optional<ByteRange> range_of(std::string_view field, std::uint64_t size);

/// 200, 206 or 416 for the regular file at `path`; 404 if there is none.
Answer file_answer(const std::string& path, const std::string& name, std::string_view range);

}  // namespace osprey::serve
