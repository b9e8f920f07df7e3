// SPDX-License-Identifier: Apache-2.0
// Weighted boxes fusion: boxes of one class that show one object become their weighted mean.
#pragma once

#include <osprey/detection.hpp>

#include <cstdint>
#include <span>
#include <vector>

namespace osprey::tiling {

struct WeightedClusters {
  struct Cluster {
    Box mean;        ///< corners weighted by confidence
    double sum = 0;  ///< of the members' confidences
    int members = 0;
    std::uint32_t best = 0;  ///< place of the best member in what was given
  };
  std::vector<Cluster> clusters;     ///< by falling confidence of the best member
  std::vector<std::uint32_t> place;  ///< of each box: its cluster
};

/// As Solovyev et al., and ensemble-boxes: from the best to the worst, each box of `ranked`
/// (falling confidence) joins the cluster whose mean it overlaps most, IoU above `threshold`, or
/// begins one. Cost: for each box a look at the clusters near it.
WeightedClusters cluster_weighted(std::span<const Detection> ranked, float threshold);

}  // namespace osprey::tiling
