// SPDX-License-Identifier: Apache-2.0
// COCO's numbers from matches: average precision and recall, the same as pycocotools 2.0.11.
#pragma once

#include <array>
#include <vector>

#include "evaluate/coco_match.hpp"
#include "evaluate/precision_curve.hpp"

namespace osprey::evaluation {

constexpr std::array<int, 3> kMostDetections = {1, 10, 100};

/// pycocotools' arrays of the same names; -1 where a category has no labels that count.
struct CocoArrays {
  explicit CocoArrays(std::size_t count)
      : categories(count),
        precision(kThresholds * kRecalls * count * kAreas, -1),
        recall(kThresholds * count * kAreas * kMostDetections.size(), -1) {}

  std::size_t categories;
  std::vector<double> precision;  ///< [threshold, recall, category, area], of 100 detections
  std::vector<double> recall;     ///< [threshold, category, area, most detections]

  std::size_t precision_at(std::size_t threshold, std::size_t recall_place, std::size_t category,
                           std::size_t area) const {
    return ((threshold * kRecalls + recall_place) * categories + category) * kAreas + area;
  }
  std::size_t recall_at(std::size_t threshold, std::size_t category, std::size_t area,
                        std::size_t most) const {
    return ((threshold * categories + category) * kAreas + area) * kMostDetections.size() + most;
  }
};

/// Spreads over `threads`.
CocoArrays accumulate(const std::vector<CategoryMatches>& matches, int threads);

/// Mean precision over categories and recalls; -1 if nothing counts. `threshold` < 0: over all;
/// `category` < 0: over all.
double average_precision(const CocoArrays& arrays, int threshold, std::size_t area,
                         int category = -1);
/// `most`: place in kMostDetections.
double average_recall(const CocoArrays& arrays, std::size_t area, std::size_t most,
                      int category = -1);

/// The twelve that pycocotools prints, in its order: AP, AP50, AP75, AP small, medium, large, AR of
/// 1, 10, 100 detections, AR small, medium, large.
std::array<double, 12> summary(const CocoArrays& arrays);

}  // namespace osprey::evaluation
