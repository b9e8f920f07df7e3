// SPDX-License-Identifier: Apache-2.0
#include "tiling/box_grid.hpp"

#include <algorithm>
#include <numeric>

namespace osprey::tiling {

namespace {

template <typename Visit>
void for_each_cell(const GridLayout& layout, const Box& box, Visit visit) {
  const auto cells = layout.cells_of(box);
  for (int y = cells.y1; y <= cells.y2; ++y) {
    for (int x = cells.x1; x <= cells.x2; ++x) visit(layout.number(x, y));
  }
}

}  // namespace

BoxGrid::BoxGrid(std::span<const Box> boxes, std::span<const std::uint32_t> ranks)
    : layout_(boxes), begins_(layout_.count() + 1, 0) {
  for (const auto& box : boxes) {
    for_each_cell(layout_, box, [&](std::uint32_t cell) { ++begins_[cell]; });
  }
  // Each is the end of its cell; filling from there makes it the begin.
  std::partial_sum(begins_.begin(), begins_.end(), begins_.begin());
  entries_.resize(begins_.back());
  for (std::uint32_t i = 0; i < boxes.size(); ++i) {
    for_each_cell(layout_, boxes[i], [&](std::uint32_t cell) {
      entries_[--begins_[cell]] = {boxes[i], i, ranks[i]};
    });
  }
  for (std::size_t cell = 0; cell + 1 < begins_.size(); ++cell) {
    std::sort(entries_.begin() + begins_[cell], entries_.begin() + begins_[cell + 1],
              [](const Entry& a, const Entry& b) { return a.rank < b.rank; });
  }
}

}  // namespace osprey::tiling
