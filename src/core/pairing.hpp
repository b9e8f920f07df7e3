// SPDX-License-Identifier: Apache-2.0
// Pairs of things that cost least together, where few can be paired at all.
#pragma once

#include <cstddef>
#include <vector>

namespace osprey {

/// Two that may belong together, by their places in two lists.
struct Pair {
  std::size_t one = 0, other = 0;
  double cost = 0;  ///< below 0
};

/// Those of `candidates` that together cost least, each thing in one pair at most. Cost: that of an
/// assignment for each group of things that candidates connect.
std::vector<Pair> best_pairs(std::vector<Pair> candidates);

}  // namespace osprey
