// SPDX-License-Identifier: Apache-2.0
// The order of the three bytes of a packed pixel.
#pragma once

#include <cstdint>

namespace osprey::vision {

enum class PackedOrder : std::uint8_t { kRgb, kBgr };

}  // namespace osprey::vision
