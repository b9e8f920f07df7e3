// SPDX-License-Identifier: Apache-2.0
#include "tiling/weighted_clusters.hpp"

#include "tiling/moving_box_grid.hpp"
#include "tiling/overlap.hpp"

namespace osprey::tiling {

namespace {

// A cluster's sums over its members.
struct Sums {
  double x1 = 0, y1 = 0, x2 = 0, y2 = 0;
};

void add(Sums& sums, WeightedClusters::Cluster& cluster, const Detection& member) {
  const double weight = member.confidence;
  sums.x1 += weight * member.box.x1;
  sums.y1 += weight * member.box.y1;
  sums.x2 += weight * member.box.x2;
  sums.y2 += weight * member.box.y2;
  cluster.sum += weight;
  ++cluster.members;
  // Members without any confidence leave the first one's corners.
  if (!(cluster.sum > 0)) return;
  const auto part = [&](double sum) { return static_cast<float>(sum / cluster.sum); };
  cluster.mean = {part(sums.x1), part(sums.y1), part(sums.x2), part(sums.y2)};
}

}  // namespace

WeightedClusters cluster_weighted(std::span<const Detection> ranked, float threshold) {
  // A mean moves with each member, and where it is decides who is next: only the order from the
  // best to the worst gives this result.
  std::vector<Box> boxes;
  boxes.reserve(ranked.size());
  for (const auto& detection : ranked) boxes.push_back(detection.box);

  MovingBoxGrid grid(boxes);
  WeightedClusters result;
  auto& clusters = result.clusters;
  std::vector<Sums> sums;
  for (std::uint32_t i = 0; i < ranked.size(); ++i) {
    const auto none = static_cast<std::uint32_t>(clusters.size());
    auto best = none;
    float most = threshold;
    grid.visit_near(ranked[i].box, [&](std::uint32_t item, const Box& mean) {
      const float iou = overlap(mean, ranked[i].box, OverlapMetric::kIou);
      if (iou > most || (iou == most && best != none && item < best)) {
        most = iou;
        best = item;
      }
    });
    if (best == none) {
      clusters.push_back({.mean = ranked[i].box, .best = i});
      sums.emplace_back();
    }
    add(sums[best], clusters[best], ranked[i]);
    grid.place(best, clusters[best].mean);
    result.place.push_back(best);
  }
  return result;
}

}  // namespace osprey::tiling
