// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "tiling/best_matches.hpp"
#include "tiling/merge_methods.hpp"

namespace osprey::tiling {

namespace {

// The box that has `i` in the end: whoever took its taker, if that was taken too.
std::uint32_t keeper_of(std::uint32_t i, std::vector<std::uint32_t>& taker) {
  while (taker[i] != i) i = taker[i] = taker[taker[i]];
  return i;
}

// Grows each box that took others in, in the order in which it took them: those its best taker took
// before the others', and each taker's the best first.
void grow(std::vector<Box>& boxes, const std::vector<std::uint32_t>& taker,
          const std::vector<std::uint32_t>& ranks, const MergeOptions& options) {
  auto keeper = taker;
  std::vector<std::uint32_t> ends(taker.size() + 1, 0);  // of each keeper's part of `taken`
  for (std::uint32_t i = 0; i < taker.size(); ++i) {
    keeper[i] = keeper_of(i, keeper);
    if (taker[i] != i) ++ends[keeper[i]];
  }
  std::partial_sum(ends.begin(), ends.end(), ends.begin());
  std::vector<std::uint32_t> taken(ends.back());
  for (std::uint32_t i = 0; i < taker.size(); ++i) {
    if (taker[i] != i) taken[--ends[keeper[i]]] = i;
  }
  for (std::uint32_t i = 0; i < taker.size(); ++i) {
    const std::span members(taken.begin() + ends[i], taken.begin() + ends[i + 1]);
    std::sort(members.begin(), members.end(), [&](auto a, auto b) {
      return std::pair(ranks[taker[a]], ranks[a]) < std::pair(ranks[taker[b]], ranks[b]);
    });
    for (const auto member : members) {
      if (overlap(boxes[i], boxes[member], options.metric) >= options.threshold) {
        boxes[i] = hull(boxes[i], boxes[member]);
      }
    }
  }
}

}  // namespace

void merge_overlaps(const Candidates& candidates, const MergeOptions& options,
                    std::vector<Detection>& merged) {
  std::vector<Box> boxes;
  boxes.reserve(candidates.size());
  for (const auto& found : candidates.found) boxes.push_back(found.detection.box);
  const auto taker = best_matches(
      boxes, candidates.ranks,
      [&](const BoxGrid::Entry& better, std::uint32_t i) {
        return overlap(better.box, boxes[i], options.metric) >= options.threshold;
      },
      options.method == MergeMethod::kNmm);
  if (options.method != MergeMethod::kNms) grow(boxes, taker, candidates.ranks, options);
  for (std::uint32_t i = 0; i < candidates.size(); ++i) {
    if (taker[i] != i) continue;
    merged.push_back(candidates.found[i].detection);
    merged.back().box = boxes[i];
  }
}

}  // namespace osprey::tiling
