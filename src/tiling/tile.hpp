// SPDX-License-Identifier: Apache-2.0
// A tile: the part of a frame that one inference looks at.
#pragma once

namespace osprey::tiling {

/// Whole pixels of the frame: columns [x, x + width), rows [y, y + height). A side is inner where
/// the frame goes on beyond it: only there can the tile cut an object. The whole frame is a tile
/// without inner sides.
struct Tile {
  int x = 0, y = 0, width = 0, height = 0;
  bool inner_left = false, inner_top = false, inner_right = false, inner_bottom = false;

  int right() const { return x + width; }
  int bottom() const { return y + height; }
  friend bool operator==(const Tile&, const Tile&) = default;
};

}  // namespace osprey::tiling
