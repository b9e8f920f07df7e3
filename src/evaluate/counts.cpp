// SPDX-License-Identifier: Apache-2.0
#include "evaluate/counts.hpp"

#include <algorithm>
#include <cmath>
#include <span>
#include <tuple>

#include "evaluate/coco_match.hpp"
#include "evaluate/groups.hpp"

namespace osprey::evaluation {

namespace {

/// Labels and detections of `score` and above, picture by picture.
struct ByPicture {
  ByPicture(const GroundTruth& truth, const Detections& found, double score) {
    const auto pictures = truth.pictures.size();
    labels = group(numbers(truth.labels.size()), pictures,
                   [&](std::uint32_t i) { return truth.labels[i].picture; });
    std::vector<std::uint32_t> counting;
    for (std::uint32_t i = 0; i < found.size(); ++i) {
      if (found[i].score >= score) counting.push_back(i);
    }
    std::stable_sort(counting.begin(), counting.end(), [&](std::uint32_t a, std::uint32_t b) {
      return found[a].score > found[b].score;
    });
    detections = group(counting, pictures, [&](std::uint32_t i) { return found[i].picture; });
  }
  Groups labels, detections;  // detections: the highest score first
};

/// How good a match is, the more the better; below 0: none.
double match_quality(const Rule& rule, const Found& found, const Label& label) {
  if (rule.kind == Rule::Kind::kIou) {
    const double overlap = iou(found.box, label.box, label.crowd);
    return overlap >= rule.limit ? overlap : -1;
  }
  const auto &a = found.box, &b = label.box;
  const double left = a.x - b.x, top = a.y - b.y;
  const double right = left + a.width - b.width, bottom = top + a.height - b.height;
  const double length = std::sqrt(left * left + top * top + right * right + bottom * bottom);
  return length < rule.limit ? rule.limit - length : -1;
}

PictureCounts count_picture(const GroundTruth& truth, const Detections& found, const Rule& rule,
                            std::span<const std::uint32_t> labels,
                            std::span<const std::uint32_t> detections, Counts& all) {
  PictureCounts counts;
  for (const auto i : labels) counts.labels += truth.labels[i].counts();
  for (const auto i : detections) {
    std::size_t best = labels.size();
    double best_quality = -1;
    bool on_ignored = false;
    for (std::size_t j = 0; j < labels.size(); ++j) {
      const auto& label = truth.labels[labels[j]];
      if (label.category != found[i].category || all.found_labels[labels[j]]) continue;
      const double quality = match_quality(rule, found[i], label);
      if (!label.counts()) {
        on_ignored = on_ignored || quality >= 0;
      } else if (quality > best_quality) {
        best_quality = quality;
        best = j;
      }
    }
    if (best < labels.size()) {
      all.found_labels[labels[best]] = true;
      all.detections[i] = Outcome::kCorrect;
      ++counts.correct;
    } else if (!on_ignored) {
      all.detections[i] = Outcome::kWrong;
      ++counts.wrong;
    }
  }
  return counts;
}

}  // namespace

Counts count(const GroundTruth& truth, const Detections& found, double score, const Rule& rule) {
  const ByPicture by_picture(truth, found, score);
  Counts counts;
  counts.detections.assign(found.size(), Outcome::kNone);
  counts.found_labels.assign(truth.labels.size(), false);
  for (std::size_t picture = 0; picture < truth.pictures.size(); ++picture) {
    const auto& own = counts.pictures.emplace_back(
        count_picture(truth, found, rule, by_picture.labels.of(picture),
                      by_picture.detections.of(picture), counts));
    counts.all.labels += own.labels;
    counts.all.correct += own.correct;
    counts.all.wrong += own.wrong;
  }
  return counts;
}

Confusion confusion(const GroundTruth& truth, const Detections& found, double score, double limit) {
  const ByPicture by_picture(truth, found, score);
  Confusion made;
  made.categories = truth.categories.size();
  made.numbers.assign((made.categories + 1) * (made.categories + 1), 0);
  const auto add = [&](std::size_t detection, std::size_t label) {
    ++made.numbers[detection * (made.categories + 1) + label];
  };
  std::vector<std::tuple<double, std::size_t, std::size_t>> pairs;
  for (std::size_t picture = 0; picture < truth.pictures.size(); ++picture) {
    const auto labels = by_picture.labels.of(picture);
    const auto detections = by_picture.detections.of(picture);
    pairs.clear();
    std::vector<bool> on_ignored(detections.size());
    for (std::size_t d = 0; d < detections.size(); ++d) {
      for (std::size_t l = 0; l < labels.size(); ++l) {
        const auto& label = truth.labels[labels[l]];
        const double overlap = iou(found[detections[d]].box, label.box, label.crowd);
        if (overlap < limit) continue;
        if (!label.counts()) {
          on_ignored[d] = true;
        } else {
          pairs.emplace_back(-overlap, d, l);
        }
      }
    }
    std::sort(pairs.begin(), pairs.end());
    std::vector<bool> used(detections.size()), taken(labels.size());
    for (const auto& [overlap, d, l] : pairs) {
      if (used[d] || taken[l]) continue;
      used[d] = taken[l] = true;
      add(static_cast<std::size_t>(found[detections[d]].category),
          static_cast<std::size_t>(truth.labels[labels[l]].category));
    }
    for (std::size_t d = 0; d < detections.size(); ++d) {
      if (used[d] || on_ignored[d]) continue;
      add(static_cast<std::size_t>(found[detections[d]].category), made.categories);
    }
    for (std::size_t l = 0; l < labels.size(); ++l) {
      const auto& label = truth.labels[labels[l]];
      if (!taken[l] && label.counts()) {
        add(made.categories, static_cast<std::size_t>(label.category));
      }
    }
  }
  return made;
}

}  // namespace osprey::evaluation
