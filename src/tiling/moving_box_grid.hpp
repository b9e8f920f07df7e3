// SPDX-License-Identifier: Apache-2.0
// Finds the boxes near a box among boxes that come one by one and move.
#pragma once

#include <osprey/detection.hpp>

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "tiling/grid_layout.hpp"

namespace osprey::tiling {

/// Items are numbered from 0; each is a box.
class MovingBoxGrid {
 public:
  /// For at most as many items as there are `boxes`, of boxes such as these. Cost: linear.
  explicit MovingBoxGrid(std::span<const Box> boxes);

  /// Puts an item where `box` is; an item already placed moves there. Cost: the cells it covers;
  /// for a move, the items in them.
  void place(std::uint32_t item, const Box& box);

  /// Calls `visit(item, its box)` once for each placed item whose box meets `box`, borders
  /// included, in no order to rely on. Cost: the items in the cells that `box` covers.
  template <typename Visit>
  void visit_near(const Box& box, Visit visit) const {
    const auto cells = layout_.cells_of(box);
    for (int y = cells.y1; y <= cells.y2; ++y) {
      for (int x = cells.x1; x <= cells.x2; ++x) {
        for (auto at = layout_.number(x, y); at != kNone; at = blocks_[at].next) {
          const auto& block = blocks_[at];
          for (std::uint32_t i = 0; i < block.count; ++i) {
            const auto& entry = block.entries[i];
            if (layout_.meet_in(x, y, box, entry.box)) visit(entry.item, entry.box);
          }
        }
      }
    }
  }

 private:
  static constexpr std::uint32_t kNone = 0xFFFFFFFF;

  struct Entry {
    Box box;
    std::uint32_t item;
  };
  // A cell is a chain of blocks, whose first has the cell's number and always has room.
  struct Block {
    std::array<Entry, 6> entries;
    std::uint32_t count = 0, next = kNone;
  };

  void add(std::uint32_t cell, const Entry& entry);
  void update(std::uint32_t cell, const Entry& entry);

  GridLayout layout_;
  std::vector<Block> blocks_;
  std::vector<GridLayout::Cells> listed_;  // of an item: all cells it was in, and those between
};

}  // namespace osprey::tiling
