// SPDX-License-Identifier: Apache-2.0
// Precision against recall, interpolated at 101 recalls as pycocotools does.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <numeric>
#include <vector>

namespace osprey::evaluation {

constexpr std::size_t kRecalls = 101;  ///< 0.00, 0.01 .. 1.00

class PrecisionCurve {
 public:
  void clear() {
    right_.clear();
    wrong_.clear();
    rights_ = wrongs_ = 0;
  }

  /// The next detection, the highest score first. `weight`: how often it is there.
  void add(bool right, double weight = 1) {
    if (!right) {
      wrongs_ += weight;
      return;
    }
    rights_ += weight;
    right_.push_back(rights_);
    wrong_.push_back(wrongs_);
  }

  double rights() const { return rights_; }

  /// For each recall, the best precision at it or beyond. Recall rises, and precision is highest,
  /// where a detection is right, so the others need not be looked at.
  std::array<double, kRecalls> precision(double labels) {
    best_.resize(right_.size());
    double best = 0;
    for (std::size_t i = right_.size(); i-- > 0;) {
      const double all = wrong_[i] + right_[i] + std::numeric_limits<double>::epsilon();
      best = std::max(best, right_[i] / all);
      best_[i] = best;
    }
    std::array<double, kRecalls> precision{};
    std::size_t i = 0;
    for (std::size_t r = 0; r < kRecalls; ++r) {
      const double recall = r == kRecalls - 1 ? 1 : static_cast<double>(r) * 0.01;
      while (i < right_.size() && right_[i] / labels < recall) ++i;
      if (i < right_.size()) precision[r] = best_[i];
    }
    return precision;
  }

  double average_precision(double labels) {
    const auto all = precision(labels);
    return std::accumulate(all.begin(), all.end(), 0.) / kRecalls;
  }

 private:
  std::vector<double> right_, wrong_;  // so far, at each right one
  double rights_ = 0, wrongs_ = 0;
  std::vector<double> best_;
};

}  // namespace osprey::evaluation
