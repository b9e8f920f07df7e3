// SPDX-License-Identifier: Apache-2.0
#include "tiling/polygon.hpp"

#include <algorithm>
#include <cstddef>

namespace osprey::tiling {

namespace {

template <typename Visit>
bool any_edge(const Polygon& polygon, Visit visit) {
  for (std::size_t i = 0; i < polygon.size(); ++i) {
    if (visit(polygon[i], polygon[i + 1 < polygon.size() ? i + 1 : 0])) return true;
  }
  return false;
}

// Narrows [from, to], the part of an edge that is still inside, to where one coordinate lies in the
// open interval (low, high).
bool narrow(double start, double end, double low, double high, double& from, double& to) {
  const double step = end - start;
  if (step == 0) return start > low && start < high;
  const double at_low = (low - start) / step, at_high = (high - start) / step;
  from = std::max(from, std::min(at_low, at_high));
  to = std::min(to, std::max(at_low, at_high));
  return from < to;
}

bool enters(const Tile& tile, const Point& a, const Point& b) {
  double from = 0, to = 1;
  return narrow(a.x, b.x, tile.x, tile.right(), from, to) &&
         narrow(a.y, b.y, tile.y, tile.bottom(), from, to);
}

}  // namespace

bool contains(const Polygon& polygon, const Point& point) {
  bool inside = false;
  any_edge(polygon, [&](const Point& a, const Point& b) {
    // An edge owns its upper end and not its lower one, so that a ray through a corner counts once.
    if ((a.y > point.y) != (b.y > point.y)) {
      const double x = a.x + (point.y - a.y) / (b.y - a.y) * (b.x - a.x);
      if (point.x < x) inside = !inside;
    }
    return false;
  });
  return inside;
}

bool touches(const Polygon& polygon, const Tile& tile) {
  // Where no edge enters, the tile is inside or outside as a whole, and any point of it tells.
  return any_edge(polygon, [&](const Point& a, const Point& b) { return enters(tile, a, b); }) ||
         contains(polygon, {tile.x + tile.width / 2.0, tile.y + tile.height / 2.0});
}

}  // namespace osprey::tiling
