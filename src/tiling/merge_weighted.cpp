// SPDX-License-Identifier: Apache-2.0
#include <vector>

#include "tiling/merge_methods.hpp"
#include "tiling/weighted_clusters.hpp"

namespace osprey::tiling {

void merge_weighted(const Candidates& candidates, float threshold, std::vector<Detection>& merged) {
  std::vector<Detection> ranked(candidates.size());
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    ranked[candidates.ranks[i]] = candidates.found[i].detection;
  }
  for (const auto& cluster : cluster_weighted(ranked, threshold).clusters) {
    auto& fused = merged.emplace_back(ranked[cluster.best]);
    fused.box = cluster.mean;
    fused.confidence = static_cast<float>(cluster.sum / cluster.members);
  }
}

}  // namespace osprey::tiling
