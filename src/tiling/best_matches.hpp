// SPDX-License-Identifier: Apache-2.0
// For each box the best of the better ones that match it: what most ways of merging rest on.
#pragma once

#include <osprey/detection.hpp>

#include <cstdint>
#include <span>
#include <vector>

#include "tiling/box_grid.hpp"

namespace osprey::tiling {

/// `ranks`: of each box, 0 is the best; neighbours in the list are best about neighbours in the
/// picture. Of each box, the best of the better ones that
/// `matches(the better one's entry, box)`, or the box itself if there is none. A better one only
/// counts if it has no match itself, unless `matched_too`: as if all were gone through from the
/// best to the worst. They are gone through in the list's order, though, which is the frame's, and
/// those that one has to wait for first: what is looked at is mostly in the cache.
template <typename Matches>
std::vector<std::uint32_t> best_matches(std::span<const Box> boxes,
                                        std::span<const std::uint32_t> ranks, Matches matches,
                                        bool matched_too = false) {
  constexpr std::uint32_t kUnknown = 0xFFFFFFFF;
  const BoxGrid grid(boxes, ranks);
  std::vector<std::uint32_t> best(boxes.size(), kUnknown), waiting;
  for (std::uint32_t i = 0; i < boxes.size(); ++i) {
    if (best[i] == kUnknown) waiting.push_back(i);
    while (!waiting.empty()) {
      const auto box = waiting.back();
      auto match = box;
      grid.visit_better(boxes[box], ranks[box], [&](const BoxGrid::Entry& better) {
        if (!matches(better, box)) return ranks[match];
        if (!matched_too && best[better.item] == kUnknown) {
          waiting.push_back(better.item);
          return 0u;
        }
        if (matched_too || best[better.item] == better.item) match = better.item;
        return ranks[match];
      });
      if (waiting.back() != box) continue;  // and look again when that one is known
      best[box] = match;
      waiting.pop_back();
    }
  }
  return best;
}

}  // namespace osprey::tiling
