// SPDX-License-Identifier: Apache-2.0
#include "tracking/shape_watch.hpp"

#include <algorithm>
#include <cmath>

namespace osprey::tracking {

namespace {

constexpr int kSettled = 3;  // sightings

// Pixels by which a box of this height may tremble.
double tremble(double height) {
  return std::max(2.0, height / 20);
}

}  // namespace

bool ZoneWatch::update(const Zone& zone, const Place& place) {
  const bool inside = tiling::contains(zone.polygon, place.now);
  if (first_) {
    first_ = false;
    inside_ = inside;
  } else if (inside == inside_) {
    against_ = 0;
  } else if (++against_ >= kSettled ||
             distance_to_outline(zone.polygon, place.now, place.frame) > tremble(place.height)) {
    inside_ = inside;
    against_ = 0;
  }
  return inside_;
}

int LineWatch::update(const Line& line, const Place& place) {
  const Step step = step_at(line, place.before, place.now, place.frame);
  net_ += step.crossed;
  if (std::abs(step.distance) <= tremble(place.height)) return 0;
  const int side = step.distance > 0 ? 1 : -1;
  const int crossed = side == side_ ? 0 : std::clamp(net_, -1, 1);
  side_ = side;
  net_ = 0;
  return crossed;
}

}  // namespace osprey::tracking
