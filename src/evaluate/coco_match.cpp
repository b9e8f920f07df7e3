// SPDX-License-Identifier: Apache-2.0
#include "evaluate/coco_match.hpp"

#include <algorithm>
#include <cmath>
#include <span>

#include "evaluate/groups.hpp"
#include "evaluate/parallel.hpp"

namespace osprey::evaluation {

namespace {

struct AreaRange {
  double lowest, highest;
  bool holds(double area) const { return area >= lowest && area <= highest; }
};

constexpr std::array<AreaRange, kAreas> kRanges = {
    {{0, 1e10}, {0, 32. * 32}, {32. * 32, 96. * 96}, {96. * 96, 1e10}}};

/// Matches one category, picture by picture.
class Matcher {
 public:
  Matcher(const GroundTruth& truth, const Detections& found) : truth_(truth), found_(found) {}

  CategoryMatches run(std::span<const std::uint32_t> labels, std::span<const std::uint32_t> found) {
    const auto pictures = truth_.pictures.size();
    const auto label_groups =
        group(labels, pictures, [&](std::uint32_t i) { return truth_.labels[i].picture; });
    const auto found_groups =
        group(found, pictures, [&](std::uint32_t i) { return found_[i].picture; });
    matches_ = {};
    matches_.detections.reserve(found.size());
    for (std::size_t picture = 0; picture < pictures; ++picture) {
      match_picture(label_groups.of(picture), found_groups.of(picture));
    }
    std::stable_sort(matches_.detections.begin(), matches_.detections.end(),
                     [&](const auto& a, const auto& b) { return score(a) > score(b); });
    return std::move(matches_);
  }

 private:
  using Detection = CategoryMatches::Detection;

  double score(const Detection& detection) const { return found_[detection.index].score; }

  void match_picture(std::span<const std::uint32_t> labels, std::span<const std::uint32_t> found) {
    for (std::size_t area = 0; area < kAreas; ++area) {
      for (const auto i : labels) matches_.labels[area] += !is_ignored(truth_.labels[i], area);
    }
    if (found.empty()) return;
    best_.assign(found.begin(), found.end());
    std::stable_sort(best_.begin(), best_.end(), [&](std::uint32_t a, std::uint32_t b) {
      return found_[a].score > found_[b].score;
    });
    if (best_.size() > kMostPerPicture) best_.resize(kMostPerPicture);

    const auto first = matches_.detections.size();
    for (std::size_t rank = 0; rank < best_.size(); ++rank) {
      auto& detection = matches_.detections.emplace_back();
      detection.index = best_[rank];
      detection.rank = static_cast<std::uint8_t>(rank);
    }
    const std::span made(matches_.detections.data() + first, best_.size());
    compare(labels);
    for (std::size_t area = 0; area < kAreas; ++area) match_area(labels, made, area);
  }

  static bool is_ignored(const Label& label, std::size_t area) {
    return !label.counts() || !kRanges[area].holds(label.area);
  }

  /// Fills overlaps_: a row for each of best_, a column for each label.
  void compare(std::span<const std::uint32_t> labels) {
    overlaps_.resize(best_.size() * labels.size());
    auto* overlap = overlaps_.data();
    for (const auto i : best_) {
      for (const auto j : labels) {
        const auto& label = truth_.labels[j];
        *overlap++ = iou(found_[i].box, label.box, label.crowd);
      }
    }
  }

  void match_area(std::span<const std::uint32_t> labels, std::span<Detection> made,
                  std::size_t area) {
    // Labels that count come first.
    order_.clear();
    for (const bool ignored : {false, true}) {
      for (std::uint32_t j = 0; j < labels.size(); ++j) {
        if (is_ignored(truth_.labels[labels[j]], area) == ignored) order_.push_back(j);
      }
      if (!ignored) counting_ = order_.size();
    }
    if (!labels.empty()) {
      for (std::size_t t = 0; t < kThresholds; ++t) match_threshold(labels, made, area, t);
    }
    for (auto& detection : made) {
      if (kRanges[area].holds(found_[detection.index].box.area())) continue;
      detection.ignored[area] |= static_cast<std::uint16_t>(~detection.matched[area]);
    }
  }

  void match_threshold(std::span<const std::uint32_t> labels, std::span<Detection> made,
                       std::size_t area, std::size_t t) {
    const auto bit = static_cast<std::uint16_t>(1u << t);
    taken_.assign(labels.size(), 0);
    for (std::size_t d = 0; d < made.size(); ++d) {
      const auto* overlap = overlaps_.data() + d * labels.size();
      double best = std::min(iou_threshold(t), 1 - 1e-10);
      std::size_t match = order_.size();
      for (std::size_t place = 0; place < order_.size(); ++place) {
        // One that counts is not given up for one that does not.
        if (place == counting_ && match < counting_) break;
        const auto j = order_[place];
        if (taken_[j] != 0 && !truth_.labels[labels[j]].crowd) continue;
        if (overlap[j] < best) continue;
        best = overlap[j];
        match = place;
      }
      if (match == order_.size()) continue;
      const auto j = order_[match];
      taken_[j] = 1;
      if (t == 0 && area == 0) made[d].label = labels[j];
      if (match >= counting_) made[d].ignored[area] |= bit;
      // pycocotools takes an id of 0 for "no label".
      if (truth_.labels[labels[j]].id != 0) made[d].matched[area] |= bit;
    }
  }

  const GroundTruth& truth_;
  const Detections& found_;
  CategoryMatches matches_;
  // Of the picture at hand:
  std::vector<std::uint32_t> best_;  // detections, the highest score first
  std::vector<double> overlaps_;
  std::vector<std::uint32_t> order_;  // places of labels
  std::size_t counting_ = 0;          // how many of order_ count
  std::vector<std::uint8_t> taken_;   // labels, by place
};

}  // namespace

double iou_threshold(std::size_t i) {
  constexpr double kFirst = 0.5, kLast = 0.95;
  constexpr double kStep = (kLast - kFirst) / (kThresholds - 1);
  return i == kThresholds - 1 ? kLast : static_cast<double>(i) * kStep + kFirst;
}

double iou(const Box& found, const Box& label, bool crowd) {
  const double width =
      std::fmin(found.width + found.x, label.width + label.x) - std::fmax(found.x, label.x);
  if (width <= 0) return 0;
  const double height =
      std::fmin(found.height + found.y, label.height + label.y) - std::fmax(found.y, label.y);
  if (height <= 0) return 0;
  const double both = width * height;
  return both / (crowd ? found.area() : found.area() + label.area() - both);
}

std::vector<CategoryMatches> match(const GroundTruth& truth, const Detections& found, int threads) {
  const auto categories = truth.categories.size();
  const auto labels = group(numbers(truth.labels.size()), categories,
                            [&](std::uint32_t i) { return truth.labels[i].category; });
  const auto detections =
      group(numbers(found.size()), categories, [&](std::uint32_t i) { return found[i].category; });
  std::vector<CategoryMatches> matches(categories);
  in_parallel(categories, threads, [&](std::size_t category) {
    matches[category] = Matcher(truth, found).run(labels.of(category), detections.of(category));
  });
  return matches;
}

}  // namespace osprey::evaluation
