// SPDX-License-Identifier: Apache-2.0
// Finds the boxes near a box, the best first, without looking at all of them.
#pragma once

#include <osprey/detection.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "tiling/grid_layout.hpp"

namespace osprey::tiling {

/// Immutable.
class BoxGrid {
 public:
  struct Entry {
    Box box;
    std::uint32_t item;  ///< place in the list of boxes
    std::uint32_t rank;  ///< smaller is better
  };

  /// `ranks`: of each box, all different. Cost: linear in the boxes, and less where neighbours in
  /// the list are neighbours in the frame: large frames are a matter of cache misses.
  BoxGrid(std::span<const Box> boxes, std::span<const std::uint32_t> ranks);

  /// Calls `visit(entry)` for boxes of a rank below `limit` that meet `box`, borders included, each
  /// at most once. What it returns is the limit from then on: the same, to see all; the entry's
  /// rank, to see only better ones; 0, to see no more. Cost: the entries in the cells that `box`
  /// covers, in each from the best to the limit.
  template <typename Visit>
  void visit_better(const Box& box, std::uint32_t limit, Visit visit) const {
    const auto cells = layout_.cells_of(box);
    for (int y = cells.y1; y <= cells.y2; ++y) {
      for (int x = cells.x1; x <= cells.x2; ++x) {
        const auto cell = layout_.number(x, y);
        for (auto at = begins_[cell]; at < begins_[cell + 1]; ++at) {
          const auto& entry = entries_[at];
          if (entry.rank >= limit) break;
          if (layout_.meet_in(x, y, box, entry.box)) limit = visit(entry);
        }
      }
    }
  }

 private:
  GridLayout layout_;
  std::vector<std::uint32_t> begins_;  // of each cell's entries, and the end
  std::vector<Entry> entries_;         // by cell, then rank
};

}  // namespace osprey::tiling
