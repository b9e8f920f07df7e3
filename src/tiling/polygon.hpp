// SPDX-License-Identifier: Apache-2.0
// Polygons in frame pixels: what they hold, and which tiles they reach.
#pragma once

#include <vector>

#include "tiling/tile.hpp"

namespace osprey::tiling {

/// Frame pixels; the pixel grid's edges are at whole numbers, as Box has them.
struct Point {
  double x = 0, y = 0;
};

/// Corners in order, closed from the last to the first. Where it crosses itself, a point is inside
/// if a ray from it meets the outline an odd number of times (even-odd).
using Polygon = std::vector<Point>;

/// Points of the outline itself may go either way, but always the same one, and neighbours that
/// share an edge claim each of its points once. Cost: linear in the corners.
bool contains(const Polygon& polygon, const Point& point);

/// Whether some of the tile's interior is inside. Cost: linear in the corners.
bool touches(const Polygon& polygon, const Tile& tile);

}  // namespace osprey::tiling
