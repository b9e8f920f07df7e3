// SPDX-License-Identifier: Apache-2.0
// Square cells over a frame, numbered row by row, of a size that suits given boxes.
#pragma once

#include <osprey/detection.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace osprey::tiling {

/// Cells are about as large as boxes usually are, and larger where boxes would be in more than a
/// few of them on average: with n boxes there are some n cells at most, and some n pairs of a box
/// and a cell it is in, whatever the boxes' sizes. What lies beyond the boxes belongs to the
/// nearest cell.
class GridLayout {
 public:
  /// Columns and rows of cells, both ends included.
  struct Cells {
    int x1 = 0, y1 = 0, x2 = -1, y2 = -1;
    bool empty() const { return x2 < x1; }
    bool hold(int x, int y) const { return x >= x1 && x <= x2 && y >= y1 && y <= y2; }
    std::size_t count() const {
      return static_cast<std::size_t>(x2 - x1 + 1) * static_cast<std::size_t>(y2 - y1 + 1);
    }
  };

  /// Cost: linear.
  explicit GridLayout(std::span<const Box> boxes);

  std::size_t count() const {
    return static_cast<std::size_t>(columns_) * static_cast<std::size_t>(rows_);
  }
  std::uint32_t number(int x, int y) const {
    return static_cast<std::uint32_t>(y) * static_cast<std::uint32_t>(columns_) +
           static_cast<std::uint32_t>(x);
  }
  Cells cells_of(const Box& box) const {
    const int x1 = column(box.x1), y1 = row(box.y1);
    return {x1, y1, std::max(x1, column(box.x2)), std::max(y1, row(box.y2))};
  }

  /// Whether two boxes meet, borders included, and their common part begins in the cell: true of
  /// one of the cells they share, so that each pair is looked at once.
  bool meet_in(int x, int y, const Box& a, const Box& b) const {
    return a.x1 <= b.x2 && b.x1 <= a.x2 && a.y1 <= b.y2 && b.y1 <= a.y2 &&
           column(std::max(a.x1, b.x1)) == x && row(std::max(a.y1, b.y1)) == y;
  }

 private:
  // Rounded down, and for any value at all, infinite or not a number, one of 0..last.
  static int to_cell(float value, int last) {
    if (!(value > 0)) return 0;
    return value < static_cast<double>(last) ? static_cast<int>(value) : last;
  }
  int column(float x) const { return to_cell((x - left_) * per_pixel_, columns_ - 1); }
  int row(float y) const { return to_cell((y - top_) * per_pixel_, rows_ - 1); }
  void set_side(float side, const Box& bounds, std::size_t boxes);

  float left_ = 0, top_ = 0, per_pixel_ = 1;  // cells a pixel
  int columns_ = 1, rows_ = 1;
};

}  // namespace osprey::tiling
