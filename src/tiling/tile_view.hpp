// SPDX-License-Identifier: Apache-2.0
// What a tile could see of an object, and whether two tiles saw the same one.
#pragma once

#include <osprey/detection.hpp>

#include "tiling/tile.hpp"

namespace osprey::tiling {

/// A tile as the merge needs it. All in frame pixels.
class TileView {
 public:
  /// `margin`: a box that ends this near an inner side, or nearer, may go on beyond it.
  TileView(const Tile& tile, float margin);

  /// The tile, its inner sides moved out by the margin.
  const Box& area() const { return area_; }

  /// Whether the tile cut the box.
  bool cuts(const Box& box) const;

  /// The box with its cut sides moved to the ends of area(): what is certain of a cut object is
  /// that it reaches that far. Neighbours without overlap thus share a strip, in which the halves
  /// of one object look the same.
  Box reach(const Box& box) const;

 private:
  // Whether each side is near an inner one, as the box's corners have them.
  struct Cuts {
    bool left, top, right, bottom;
  };
  Cuts cuts_of(const Box& box) const;

  Box area_;  ///< see area()
  Box near_;  ///< a box that ends beyond it is cut
};

/// IoU of two boxes, each as its view's reach(), where both tiles looked: 0..1. An object that both
/// saw whole is compared whole, one that either saw a part of by that part. Symmetric.
float agreement(const Box& reach_a, const TileView& view_a, const Box& reach_b,
                const TileView& view_b);

}  // namespace osprey::tiling
