// SPDX-License-Identifier: Apache-2.0
// Precision, recall and F1 against the score from which a detection counts, at IoU 0.50.
#pragma once

#include <vector>

#include "evaluate/coco_match.hpp"

namespace osprey::evaluation {

/// At one threshold of the score.
struct Point {
  double score = 0;  ///< detections of this score and above
  std::int64_t right = 0, wrong = 0, labels = 0;

  double precision() const { return share(right, right + wrong); }
  double recall() const { return share(right, labels); }
  /// 2 right / (2 right + wrong + missed).
  double f1() const { return share(2 * right, right + wrong + labels); }

 private:
  static double share(std::int64_t part, std::int64_t all) {
    return all == 0 ? 0 : static_cast<double>(part) / static_cast<double>(all);
  }
};

/// Of a category, or of all together where `category` < 0: a point for each score at which
/// something changes, the highest first.
std::vector<Point> score_curve(const std::vector<CategoryMatches>& matches, const Detections& found,
                               int category = -1);

/// Where F1 is highest; of equals the highest score. Score 0 if there is no point.
Point best_f1(const std::vector<Point>& curve);

/// What counts from `score` on.
Point at_score(const std::vector<Point>& curve, double score, std::int64_t labels);

}  // namespace osprey::evaluation
