// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "tiling/merge_methods.hpp"

namespace osprey::tiling {

namespace {

// Grows each box that took others in, in the order in which it took them.
void grow(std::vector<Box>& boxes, const std::vector<std::uint32_t>& taker,
          const std::vector<std::uint32_t>& ranks, const MergeOptions& options) {
  std::vector<std::uint32_t> taken;
  for (std::uint32_t i = 0; i < taker.size(); ++i) {
    if (taker[i] != i) taken.push_back(i);
  }
  // From the best to the worst, so that a taker's own keeper is known when it is asked for.
  std::sort(taken.begin(), taken.end(), [&](auto a, auto b) { return ranks[a] < ranks[b]; });
  auto keeper = taker;
  for (const auto i : taken) keeper[i] = keeper[taker[i]];
  std::stable_sort(taken.begin(), taken.end(),
                   [&](auto a, auto b) { return ranks[taker[a]] < ranks[taker[b]]; });
  for (const auto i : taken) {
    auto& grown = boxes[keeper[i]];
    if (overlap(grown, boxes[i], options.metric) >= options.threshold) {
      grown = hull(grown, boxes[i]);
    }
  }
}

}  // namespace

void merge_overlaps(Candidates candidates, const MergeOptions& options,
                    std::vector<Detection>& merged) {
  std::vector<Box> boxes;
  std::vector<std::uint32_t> ranks;
  boxes.reserve(candidates.size());
  ranks.reserve(candidates.size());
  for (const auto& candidate : candidates) {
    boxes.push_back(candidate.detection.box);
    ranks.push_back(candidate.rank);
  }
  const auto taker = best_matches(
      boxes, ranks,
      [&](const BoxGrid::Entry& better, std::uint32_t i) {
        return overlap(better.box, boxes[i], options.metric) >= options.threshold;
      },
      options.method == MergeMethod::kNmm);
  if (options.method != MergeMethod::kNms) grow(boxes, taker, ranks, options);
  for (std::uint32_t i = 0; i < candidates.size(); ++i) {
    if (taker[i] != i) continue;
    merged.push_back(candidates[i].detection);
    merged.back().box = boxes[i];
  }
}

}  // namespace osprey::tiling
