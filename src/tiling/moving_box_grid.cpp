// SPDX-License-Identifier: Apache-2.0
#include "tiling/moving_box_grid.hpp"

#include <algorithm>

namespace osprey::tiling {

MovingBoxGrid::MovingBoxGrid(std::span<const Box> boxes)
    : layout_(boxes), blocks_(layout_.count()), listed_(boxes.size()) {}

void MovingBoxGrid::place(std::uint32_t item, const Box& box) {
  const Entry entry{box, item};
  const auto before = listed_[item];
  auto now = layout_.cells_of(box);
  if (!before.empty()) {
    now = {std::min(before.x1, now.x1), std::min(before.y1, now.y1), std::max(before.x2, now.x2),
           std::max(before.y2, now.y2)};
  }
  for (int y = now.y1; y <= now.y2; ++y) {
    for (int x = now.x1; x <= now.x2; ++x) {
      const auto cell = layout_.number(x, y);
      before.hold(x, y) ? update(cell, entry) : add(cell, entry);
    }
  }
  listed_[item] = now;
}

void MovingBoxGrid::add(std::uint32_t cell, const Entry& entry) {
  auto& first = blocks_[cell];
  first.entries[first.count++] = entry;
  if (first.count < first.entries.size()) return;
  const Block full = first;
  first.count = 0;
  first.next = static_cast<std::uint32_t>(blocks_.size());
  blocks_.push_back(full);
}

void MovingBoxGrid::update(std::uint32_t cell, const Entry& entry) {
  for (auto at = cell; at != kNone; at = blocks_[at].next) {
    auto& block = blocks_[at];
    for (std::uint32_t i = 0; i < block.count; ++i) {
      if (block.entries[i].item == entry.item) block.entries[i].box = entry.box;
    }
  }
}

}  // namespace osprey::tiling
