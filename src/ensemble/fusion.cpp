// SPDX-License-Identifier: Apache-2.0
#include "ensemble/fusion.hpp"

#include <algorithm>
#include <numeric>
#include <tuple>

#include "tiling/best_matches.hpp"
#include "tiling/overlap.hpp"
#include "tiling/weighted_clusters.hpp"

namespace osprey::ensemble {

namespace {

using Indices = std::vector<std::uint32_t>;

auto place_of(const Detection& d) {
  return std::tuple(d.label_id, d.box.x1, d.box.y1, d.box.x2, d.box.y2, d.model);
}

class Fusion {
 public:
  Fusion(std::span<const Detection> found, std::span<const Voter> models,
         const FusionOptions& options)
      : found_(found), models_(models), options_(options), into_(found.size()) {}

  Fused run() {
    Indices order(found_.size());
    std::iota(order.begin(), order.end(), 0u);
    const auto label = [&](std::uint32_t i) { return options_.agnostic ? 0 : found_[i].label_id; };
    std::sort(order.begin(), order.end(), [&](auto a, auto b) {
      if (label(a) != label(b)) return label(a) < label(b);
      if (sureness(a) != sureness(b)) return sureness(a) > sureness(b);
      return place_of(found_[a]) < place_of(found_[b]);
    });
    for (auto begin = order.begin(); begin != order.end();) {
      const auto end =
          std::find_if(begin, order.end(), [&](auto i) { return label(i) != label(*begin); });
      const std::span ranked(begin, end);
      options_.method == FusionMethod::kWbf ? average(ranked) : suppress(ranked);
      begin = end;
    }
    return sorted();
  }

 private:
  float sureness(std::uint32_t i) const {
    return found_[i].confidence * models_[static_cast<std::size_t>(found_[i].model)].weight;
  }

  // `ranked`: boxes of one class, the surest first.
  void suppress(std::span<const std::uint32_t> ranked) {
    std::vector<Box> boxes;
    for (const auto i : ranked) boxes.push_back(found_[i].box);
    Indices ranks(ranked.size());
    std::iota(ranks.begin(), ranks.end(), 0u);
    const auto keepers =
        options_.method == FusionMethod::kNone
            ? ranks
            : tiling::best_matches(boxes, ranks, [&](const auto& better, std::uint32_t box) {
                return tiling::overlap(better.box, boxes[box], tiling::OverlapMetric::kIou) >
                       options_.iou;
              });
    for (std::uint32_t at = 0; at < ranked.size(); ++at) {
      if (keepers[at] == at) {
        into_[ranked[at]] = static_cast<std::uint32_t>(fused_.size());
        fused_.push_back(found_[ranked[at]]);
      } else {
        into_[ranked[at]] = into_[ranked[keepers[at]]];  // which comes before it
      }
    }
  }

  void average(std::span<const std::uint32_t> ranked) {
    std::vector<Detection> boxes;
    for (const auto i : ranked) {
      auto& box = boxes.emplace_back(found_[i]);
      box.confidence = sureness(i);
    }
    const auto clustered = tiling::cluster_weighted(boxes, options_.iou);
    std::vector<std::vector<bool>> present(clustered.clusters.size(),
                                           std::vector<bool>(models_.size(), false));
    const auto first = static_cast<std::uint32_t>(fused_.size());
    for (std::size_t at = 0; at < ranked.size(); ++at) {
      const auto cluster = clustered.place[at];
      into_[ranked[at]] = first + cluster;
      present[cluster][static_cast<std::size_t>(boxes[at].model)] = true;
    }
    for (std::size_t i = 0; i < clustered.clusters.size(); ++i) {
      const auto& cluster = clustered.clusters[i];
      auto& fused = fused_.emplace_back(boxes[cluster.best]);
      fused.box = cluster.mean;
      fused.confidence = confidence(cluster, present[i], fused.label_id);
    }
  }

  float confidence(const tiling::WeightedClusters::Cluster& cluster,
                   const std::vector<bool>& present, std::int32_t label) const {
    int voters = 0;
    double weights = 0;
    for (std::size_t i = 0; i < models_.size(); ++i) {
      const auto& voter = models_[i];
      const bool should_see = voter.on_frame && voter.knows[static_cast<std::size_t>(label)];
      if (!present[i] && !should_see) continue;
      ++voters;
      weights += voter.weight;
    }
    const double mean = cluster.sum / cluster.members;
    return static_cast<float>(std::min(1.0, mean * std::min(voters, cluster.members) / weights));
  }

  Fused sorted() {
    Indices order(fused_.size());
    std::iota(order.begin(), order.end(), 0u);
    std::sort(order.begin(), order.end(), [&](auto a, auto b) {
      if (fused_[a].confidence != fused_[b].confidence) {
        return fused_[a].confidence > fused_[b].confidence;
      }
      return std::tuple(place_of(fused_[a]), a) < std::tuple(place_of(fused_[b]), b);
    });
    Fused result;
    Indices place(order.size());
    for (std::uint32_t i = 0; i < order.size(); ++i) {
      place[order[i]] = i;
      result.detections.push_back(fused_[order[i]]);
    }
    for (const auto i : into_) result.into.push_back(place[i]);
    return result;
  }

  std::span<const Detection> found_;
  std::span<const Voter> models_;
  const FusionOptions& options_;
  std::vector<Detection> fused_;
  Indices into_;
};

}  // namespace

Fused fuse(std::span<const Detection> found, std::span<const Voter> models,
           const FusionOptions& options) {
  return Fusion(found, models, options).run();
}

}  // namespace osprey::ensemble
