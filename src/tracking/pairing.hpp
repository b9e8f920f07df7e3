// SPDX-License-Identifier: Apache-2.0
// Which track goes on with which detection.
#pragma once

#include <osprey/detection.hpp>

#include <cstddef>
#include <vector>

namespace osprey::tracking {

/// Intersection over union, 0..1; 0 where a box has no area.
double overlap_of(const Box& a, const Box& b);

/// Two that may belong together, by their places in two lists.
struct Pair {
  std::size_t one = 0, other = 0;
  double cost = 0;  ///< below 0
};

/// Those of `candidates` that together cost least, each thing in one pair at most. Cost: that of an
/// assignment for each group of things that candidates connect.
std::vector<Pair> best_pairs(std::vector<Pair> candidates);

}  // namespace osprey::tracking
