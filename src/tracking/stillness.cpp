// SPDX-License-Identifier: Apache-2.0
#include "tracking/stillness.hpp"

#include "tracking/overlap.hpp"

namespace osprey::tracking {

namespace {

constexpr double kSamePlace = 0.6;  // least overlap

}  // namespace

Duration Stillness::update(const Box& box, Duration now) {
  if (overlap_of(place_, box) >= kSamePlace) {
    moved_ = 0;
  } else if (++moved_ >= kMoves) {
    place_ = box;
    since_ = now;
    moved_ = 0;
  }
  return now - since_;
}

}  // namespace osprey::tracking
