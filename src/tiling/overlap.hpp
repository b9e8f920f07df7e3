// SPDX-License-Identifier: Apache-2.0
// How much two boxes have in common.
#pragma once

#include <osprey/detection.hpp>

#include <algorithm>

namespace osprey::tiling {

enum class OverlapMetric : unsigned char {
  kIou,  ///< common area over the area of both together
  kIos,  ///< common area over the smaller box's: 1 where one holds the other
};

inline float common_area(const Box& a, const Box& b) {
  return std::max(0.0f, std::min(a.x2, b.x2) - std::max(a.x1, b.x1)) *
         std::max(0.0f, std::min(a.y2, b.y2) - std::max(a.y1, b.y1));
}

/// 0..1; of boxes without an area, 0.
inline float overlap(const Box& a, const Box& b, OverlapMetric metric) {
  const float common = common_area(a, b);
  const float whole =
      metric == OverlapMetric::kIou ? a.area() + b.area() - common : std::min(a.area(), b.area());
  return whole > 0 ? common / whole : 0;
}

/// The smallest box around both.
inline Box hull(const Box& a, const Box& b) {
  return {std::min(a.x1, b.x1), std::min(a.y1, b.y1), std::max(a.x2, b.x2), std::max(a.y2, b.y2)};
}

}  // namespace osprey::tiling
