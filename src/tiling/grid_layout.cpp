// SPDX-License-Identifier: Apache-2.0
#include "tiling/grid_layout.hpp"

#include <cmath>

#include "tiling/overlap.hpp"

namespace osprey::tiling {

namespace {

constexpr double kUsualSides = 1.5;    // a cell's side; fewer make more cells, more fuller ones
constexpr std::size_t kMostCells = 8;  // of a box, on average

float usual_cell(std::span<const Box> boxes, const Box& bounds) {
  const auto count = static_cast<double>(boxes.size());
  double sides = 0;
  for (const auto& box : boxes) sides += std::max(box.width(), box.height());
  const double longest = std::max(bounds.width(), bounds.height());
  // At most about as many cells as boxes, also in a row.
  const double side = std::max({kUsualSides * sides / count, longest / count,
                                std::sqrt(double{bounds.width()} * bounds.height() / count)});
  return side > 0 ? static_cast<float>(side) : 1;
}

}  // namespace

GridLayout::GridLayout(std::span<const Box> boxes) {
  if (boxes.empty()) return;
  Box bounds = boxes.front();
  for (const auto& box : boxes) bounds = hull(bounds, box);
  float side = usual_cell(boxes, bounds);
  std::size_t pairs = 0;
  do {
    set_side(side, bounds, boxes.size());
    pairs = 0;
    for (const auto& box : boxes) pairs += cells_of(box).count();
    side *= 2;
  } while (pairs > kMostCells * boxes.size());
}

void GridLayout::set_side(float side, const Box& bounds, std::size_t boxes) {
  left_ = bounds.x1;
  top_ = bounds.y1;
  per_pixel_ = 1 / side;
  columns_ = to_cell(bounds.width() * per_pixel_, static_cast<int>(boxes)) + 1;
  rows_ = to_cell(bounds.height() * per_pixel_, static_cast<int>(boxes)) + 1;
}

}  // namespace osprey::tiling
