// SPDX-License-Identifier: Apache-2.0
// The methods of merging, each written down plainly and looking at every pair: what the fast ones
// are held against, to the last bit. For tests and benchmarks only.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <tuple>
#include <vector>

#include "tiling/tile_merge.hpp"

namespace osprey::tiling::reference {

using Boxes = std::vector<TileDetection>;

inline bool precedes(const TileDetection& x, const TileDetection& y) {
  const auto &a = x.detection, &b = y.detection;
  if (a.confidence != b.confidence) return a.confidence > b.confidence;
  return std::tie(a.label_id, a.box.x1, a.box.y1, a.box.x2, a.box.y2, x.tile) <
         std::tie(b.label_id, b.box.x1, b.box.y1, b.box.x2, b.box.y2, y.tile);
}

inline float measure(const Box& a, const Box& b, OverlapMetric metric) {
  const float width = std::min(a.x2, b.x2) - std::max(a.x1, b.x1);
  const float height = std::min(a.y2, b.y2) - std::max(a.y1, b.y1);
  if (width <= 0 || height <= 0) return 0;
  const float common = width * height;
  const float area_a = (a.x2 - a.x1) * (a.y2 - a.y1), area_b = (b.x2 - b.x1) * (b.y2 - b.y1);
  return common /
         (metric == OverlapMetric::kIou ? area_a + area_b - common : std::min(area_a, area_b));
}

inline Box around(const Box& a, const Box& b) {
  return {std::min(a.x1, b.x1), std::min(a.y1, b.y1), std::max(a.x2, b.x2), std::max(a.y2, b.y2)};
}

// One class of one frame. `taken[i]` lists what i took in.
class OneClass {
 public:
  OneClass(Boxes boxes, const std::vector<Tile>& tiles, const MergeOptions& options)
      : boxes_(std::move(boxes)), tiles_(tiles), options_(options) {
    std::sort(boxes_.begin(), boxes_.end(), precedes);
  }

  std::vector<Detection> merged() const {
    switch (options_.method) {
      case MergeMethod::kNms:
        return nms();
      case MergeMethod::kGreedyNmm:
        return greedy_nmm();
      case MergeMethod::kNmm:
        return nmm();
      case MergeMethod::kWbf:
        return wbf();
      case MergeMethod::kFragments:
        break;
    }
    return fragments();
  }

 private:
  std::size_t size() const { return boxes_.size(); }
  const Box& box(std::size_t i) const { return boxes_[i].detection.box; }
  bool overlap(const Box& a, const Box& b) const {
    return measure(a, b, options_.metric) >= options_.threshold;
  }

  std::vector<Detection> nms() const {
    std::vector<Detection> kept;
    for (const auto& candidate : boxes_) {
      if (std::none_of(kept.begin(), kept.end(), [&](const Detection& better) {
            return overlap(better.box, candidate.detection.box);
          })) {
        kept.push_back(candidate.detection);
      }
    }
    return kept;
  }

  Detection grown(std::size_t keeper, const std::vector<std::size_t>& taken) const {
    auto result = boxes_[keeper].detection;
    for (const auto i : taken) {
      if (overlap(result.box, box(i))) result.box = around(result.box, box(i));
    }
    return result;
  }

  std::vector<Detection> greedy_nmm() const {
    std::vector<bool> gone(size(), false);
    std::vector<Detection> result;
    for (std::size_t i = 0; i < size(); ++i) {
      if (gone[i]) continue;
      std::vector<std::size_t> taken;
      for (std::size_t j = i + 1; j < size(); ++j) {
        if (gone[j] || !overlap(box(i), box(j))) continue;
        gone[j] = true;
        taken.push_back(j);
      }
      result.push_back(grown(i, taken));
    }
    return result;
  }

  std::vector<Detection> nmm() const {
    std::vector<std::optional<std::size_t>> keeper(size());
    std::vector<std::vector<std::size_t>> taken(size());
    for (std::size_t i = 0; i < size(); ++i) {
      if (!keeper[i]) keeper[i] = i;
      for (std::size_t j = i + 1; j < size(); ++j) {
        if (keeper[j] || !overlap(box(i), box(j))) continue;
        keeper[j] = keeper[i];
        taken[*keeper[i]].push_back(j);
      }
    }
    std::vector<Detection> result;
    for (std::size_t i = 0; i < size(); ++i) {
      if (*keeper[i] == i) result.push_back(grown(i, taken[i]));
    }
    return result;
  }

  std::vector<Detection> wbf() const {
    std::vector<std::vector<Detection>> clusters;
    std::vector<Detection> fused;
    for (const auto& found : boxes_) {
      std::size_t best = fused.size();
      float most = options_.threshold;
      for (std::size_t k = 0; k < fused.size(); ++k) {
        const float iou = measure(fused[k].box, found.detection.box, OverlapMetric::kIou);
        if (iou > most) {
          most = iou;
          best = k;
        }
      }
      if (best == fused.size()) {
        clusters.emplace_back();
        fused.emplace_back();
      }
      clusters[best].push_back(found.detection);
      fused[best] = mean(clusters[best]);
    }
    return fused;
  }

  static Detection mean(const std::vector<Detection>& members) {
    double x1 = 0, y1 = 0, x2 = 0, y2 = 0, sum = 0;
    for (const auto& m : members) {
      const double weight = m.confidence;
      x1 += weight * m.box.x1;
      y1 += weight * m.box.y1;
      x2 += weight * m.box.x2;
      y2 += weight * m.box.y2;
      sum += weight;
    }
    if (sum <= 0) return members.front();
    return {{static_cast<float>(x1 / sum), static_cast<float>(y1 / sum),
             static_cast<float>(x2 / sum), static_cast<float>(y2 / sum)},
            static_cast<float>(sum / static_cast<double>(members.size())),
            members.front().label_id};
  }

  float margin(const Tile& t) const {
    return 4.0f /
           std::min(static_cast<float>(options_.input_width) / static_cast<float>(t.width),
                    static_cast<float>(options_.input_height) / static_cast<float>(t.height));
  }

  struct Look {
    Box reach, area;
    bool cut = false;
  };

  Look look(const TileDetection& found) const {
    const auto& t = tiles_[found.tile];
    const float m = margin(t);
    const float left = static_cast<float>(t.x), top = static_cast<float>(t.y),
                right = static_cast<float>(t.right()), bottom = static_cast<float>(t.bottom());
    Look l{found.detection.box, {left, top, right, bottom}};
    if (t.inner_left) l.area.x1 = left - m;
    if (t.inner_top) l.area.y1 = top - m;
    if (t.inner_right) l.area.x2 = right + m;
    if (t.inner_bottom) l.area.y2 = bottom + m;
    const Box b = l.reach;
    if (t.inner_left && b.x1 <= left + m) l.cut = true, l.reach.x1 = std::min(b.x1, l.area.x1);
    if (t.inner_top && b.y1 <= top + m) l.cut = true, l.reach.y1 = std::min(b.y1, l.area.y1);
    if (t.inner_right && b.x2 >= right - m) l.cut = true, l.reach.x2 = std::max(b.x2, l.area.x2);
    if (t.inner_bottom && b.y2 >= bottom - m) l.cut = true, l.reach.y2 = std::max(b.y2, l.area.y2);
    return l;
  }

  static Box common(const Box& a, const Box& b) {
    return {std::max(a.x1, b.x1), std::max(a.y1, b.y1), std::min(a.x2, b.x2), std::min(a.y2, b.y2)};
  }

  static bool is_empty(const Box& b) { return b.x1 >= b.x2 || b.y1 >= b.y2; }

  bool agree(std::size_t i, std::size_t j) const {
    if (boxes_[i].tile == boxes_[j].tile) return false;
    const auto a = look(boxes_[i]), b = look(boxes_[j]);
    const Box both = common(a.area, b.area);
    const Box part_a = common(a.reach, both), part_b = common(b.reach, both);
    return !is_empty(part_a) && !is_empty(part_b) &&
           measure(part_a, part_b, OverlapMetric::kIou) >= options_.threshold;
  }

  bool is_held(std::size_t part, std::size_t whole) const {
    const Box inside = common(box(part), box(whole));
    return boxes_[part].tile != boxes_[whole].tile && look(boxes_[part]).cut && !is_empty(inside) &&
           inside.area() >= 0.7f * box(part).area();
  }

  std::vector<Detection> fragments() const {
    std::vector<std::size_t> whole, parts;
    for (std::size_t i = 0; i < size(); ++i) {
      if (look(boxes_[i]).cut) continue;
      if (std::none_of(whole.begin(), whole.end(), [&](auto k) { return agree(k, i); })) {
        whole.push_back(i);
      }
    }
    for (std::size_t i = 0; i < size(); ++i) {
      if (!look(boxes_[i]).cut) continue;
      if (std::none_of(whole.begin(), whole.end(),
                       [&](auto k) { return agree(k, i) || is_held(i, k); })) {
        parts.push_back(i);
      }
    }
    std::vector<Detection> result;
    result.reserve(size());
    for (const auto i : whole) result.push_back(boxes_[i].detection);
    // Everything that can be reached from the best part left is the same object.
    while (!parts.empty()) {
      std::vector<std::size_t> object = {parts.front()};
      parts.erase(parts.begin());
      auto joined = boxes_[object.front()].detection;
      for (std::size_t at = 0; at < object.size(); ++at) {
        joined.box = around(joined.box, box(object[at]));
        std::erase_if(parts, [&](auto other) {
          const bool same = agree(object[at], other);
          if (same) object.push_back(other);
          return same;
        });
      }
      result.push_back(joined);
    }
    return result;
  }

  Boxes boxes_;
  const std::vector<Tile>& tiles_;
  const MergeOptions& options_;
};

/// As TileMerger::merge. Cost: quadratic and more.
inline std::vector<Detection> merge(Boxes boxes, const std::vector<Tile>& tiles,
                                    const MergeOptions& options) {
  std::vector<Detection> merged;
  while (!boxes.empty()) {
    const auto label = boxes.front().detection.label_id;
    Boxes one;
    std::erase_if(boxes, [&](const TileDetection& found) {
      const bool same = options.agnostic || found.detection.label_id == label;
      if (same) one.push_back(found);
      return same;
    });
    for (const auto& detection : OneClass(one, tiles, options).merged()) {
      merged.push_back(detection);
    }
  }
  std::sort(merged.begin(), merged.end(), [](const Detection& a, const Detection& b) {
    return precedes({a, 0}, {b, 0});
  });
  return merged;
}

}  // namespace osprey::tiling::reference
