// SPDX-License-Identifier: Apache-2.0
// Floats as integers that sort the other way round.
#pragma once

#include <bit>
#include <cstdint>

namespace osprey {

/// Falls as `value` rises; the same for 0 and -0. An integer compares faster, and a NaN has a
/// place.
inline std::uint32_t falling_key(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value + 0.0f);  // -0 is 0
  return bits & 0x80000000u ? bits : ~bits & 0x7FFFFFFFu;
}

}  // namespace osprey
