// SPDX-License-Identifier: Apache-2.0
#include <vector>

#include "tiling/merge_methods.hpp"
#include "tiling/moving_box_grid.hpp"

namespace osprey::tiling {

namespace {

// A fused box: sums over its members.
class Fused {
 public:
  void add(const Detection& member) {
    const double weight = member.confidence;
    x1_ += weight * member.box.x1;
    y1_ += weight * member.box.y1;
    x2_ += weight * member.box.x2;
    y2_ += weight * member.box.y2;
    confidence_ += weight;
    // Members without any confidence leave the first one's corners.
    if (count_++ == 0) first_ = member;
  }

  Detection mean() const {
    if (!(confidence_ > 0)) return first_;
    const auto part = [&](double sum) { return static_cast<float>(sum / confidence_); };
    return {{part(x1_), part(y1_), part(x2_), part(y2_)},
            static_cast<float>(confidence_ / count_),
            first_.label_id};
  }

 private:
  double x1_ = 0, y1_ = 0, x2_ = 0, y2_ = 0, confidence_ = 0;
  int count_ = 0;
  Detection first_;
};

}  // namespace

void merge_weighted(const Candidates& candidates, float threshold, std::vector<Detection>& merged) {
  // A fused box moves with each member, and where it is decides who is next: only the order from
  // the best to the worst gives this result.
  std::vector<Detection> ranked(candidates.size());
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    ranked[candidates.ranks[i]] = candidates.found[i].detection;
  }
  std::vector<Box> boxes;
  boxes.reserve(ranked.size());
  for (const auto& detection : ranked) boxes.push_back(detection.box);

  MovingBoxGrid grid(boxes);
  std::vector<Fused> fused;
  for (const auto& detection : ranked) {
    const auto none = static_cast<std::uint32_t>(fused.size());
    auto best = none;
    float most = threshold;
    grid.visit_near(detection.box, [&](std::uint32_t item, const Box& mean) {
      const float iou = overlap(mean, detection.box, OverlapMetric::kIou);
      if (iou > most || (iou == most && best != none && item < best)) {
        most = iou;
        best = item;
      }
    });
    if (best == none) fused.emplace_back();
    fused[best].add(detection);
    grid.place(best, fused[best].mean().box);
  }
  for (const auto& box : fused) merged.push_back(box.mean());
}

}  // namespace osprey::tiling
