// SPDX-License-Identifier: Apache-2.0
// Made-up boxes. For tests only.
#pragma once

#include <osprey/detection.hpp>

#include <cmath>
#include <random>

namespace osprey::tiling {

/// Sides of 0.1 to 1000 pixels, corners on whole ones, some left of and above the frame.
inline Box random_box(std::mt19937& random, double extent) {
  const auto uniform = [&](double low, double high) {
    return std::uniform_real_distribution<double>(low, high)(random);
  };
  const double width = std::pow(10, uniform(-1, 3)), height = std::pow(10, uniform(-1, 3));
  const double x = std::round(uniform(-10, extent)), y = std::round(uniform(-10, extent));
  return {static_cast<float>(x), static_cast<float>(y), static_cast<float>(x + width),
          static_cast<float>(y + height)};
}

/// Whether two boxes have a point in common, be it on their outlines.
inline bool meet(const Box& a, const Box& b) {
  return a.x1 <= b.x2 && b.x1 <= a.x2 && a.y1 <= b.y2 && b.y1 <= a.y2;
}

}  // namespace osprey::tiling
