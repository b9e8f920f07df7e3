// SPDX-License-Identifier: Apache-2.0
// Since when an object is in one place.
#pragma once

#include <osprey/detection.hpp>

#include "core/time.hpp"

namespace osprey::tracking {

class Stillness {
 public:
  /// For how long the object is where it is, at `now`. One sighting elsewhere is no motion yet.
  Duration update(const Box& box, Duration now);

 private:
  Box place_;
  Duration since_{0};
  int moved_ = kMoves;

  static constexpr int kMoves = 2;  // sightings elsewhere
};

}  // namespace osprey::tracking
