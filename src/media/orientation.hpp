// SPDX-License-Identifier: Apache-2.0
// How a stored picture has to be turned to stand upright.
#pragma once

#include <cstdint>
#include <span>

namespace osprey::media {

/// Mirrored top to bottom first, then turned clockwise.
struct Orientation {
  bool flip = false;
  int quarter_turns = 0;  ///< 0..3

  bool upright() const { return !flip && quarter_turns == 0; }
  bool swaps_sides() const { return quarter_turns % 2 != 0; }
  friend bool operator==(const Orientation&, const Orientation&) = default;
};

/// The nearest one to a display matrix, as MP4 and AV_PKT_DATA_DISPLAYMATRIX have it: a point (x,
/// y), y down, is shown at (m[0] x + m[3] y, m[1] x + m[4] y).
Orientation orientation_of(std::span<const std::int32_t, 9> m);

}  // namespace osprey::media
