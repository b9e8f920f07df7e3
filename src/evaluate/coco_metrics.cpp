// SPDX-License-Identifier: Apache-2.0
#include "evaluate/coco_metrics.hpp"

#include "evaluate/parallel.hpp"

namespace osprey::evaluation {

namespace {

void accumulate(const CategoryMatches& matches, std::size_t category, CocoArrays& arrays) {
  PrecisionCurve curve;
  for (std::size_t area = 0; area < kAreas; ++area) {
    const auto labels = matches.labels[area];
    if (labels == 0) continue;
    for (std::size_t t = 0; t < kThresholds; ++t) {
      curve.clear();
      std::array<std::int64_t, kMostDetections.size()> right{};
      for (const auto& detection : matches.detections) {
        if ((detection.ignored[area] >> t & 1) != 0) continue;
        const bool is_right = (detection.matched[area] >> t & 1) != 0;
        curve.add(is_right);
        for (std::size_t most = 0; most < right.size(); ++most) {
          right[most] += is_right && detection.rank < kMostDetections[most];
        }
      }
      const auto precision = curve.precision(static_cast<double>(labels));
      for (std::size_t r = 0; r < kRecalls; ++r) {
        arrays.precision[arrays.precision_at(t, r, category, area)] = precision[r];
      }
      for (std::size_t most = 0; most < right.size(); ++most) {
        arrays.recall[arrays.recall_at(t, category, area, most)] =
            static_cast<double>(right[most]) / static_cast<double>(labels);
      }
    }
  }
}

/// The mean of what counts.
class Mean {
 public:
  void add(double value) {
    if (value <= -1) return;
    sum_ += value;
    ++count_;
  }
  double value() const { return count_ == 0 ? -1 : sum_ / static_cast<double>(count_); }

 private:
  double sum_ = 0;
  std::int64_t count_ = 0;
};

struct Span {
  std::size_t begin, end;
};

Span all_or(int chosen, std::size_t count) {
  if (chosen < 0) return {0, count};
  return {static_cast<std::size_t>(chosen), static_cast<std::size_t>(chosen) + 1};
}

}  // namespace

CocoArrays accumulate(const std::vector<CategoryMatches>& matches, int threads) {
  CocoArrays arrays(matches.size());
  in_parallel(matches.size(), threads,
              [&](std::size_t category) { accumulate(matches[category], category, arrays); });
  return arrays;
}

double average_precision(const CocoArrays& arrays, int threshold, std::size_t area, int category) {
  const auto thresholds = all_or(threshold, kThresholds);
  const auto categories = all_or(category, arrays.categories);
  Mean mean;
  for (auto t = thresholds.begin; t < thresholds.end; ++t) {
    for (std::size_t r = 0; r < kRecalls; ++r) {
      for (auto c = categories.begin; c < categories.end; ++c) {
        mean.add(arrays.precision[arrays.precision_at(t, r, c, area)]);
      }
    }
  }
  return mean.value();
}

double average_recall(const CocoArrays& arrays, std::size_t area, std::size_t most, int category) {
  const auto categories = all_or(category, arrays.categories);
  Mean mean;
  for (std::size_t t = 0; t < kThresholds; ++t) {
    for (auto c = categories.begin; c < categories.end; ++c) {
      mean.add(arrays.recall[arrays.recall_at(t, c, area, most)]);
    }
  }
  return mean.value();
}

std::array<double, 12> summary(const CocoArrays& arrays) {
  const auto ap = [&](int threshold, std::size_t area) {
    return average_precision(arrays, threshold, area);
  };
  const auto ar = [&](std::size_t area, std::size_t most) {
    return average_recall(arrays, area, most);
  };
  return {ap(-1, 0), ap(0, 0), ap(5, 0), ap(-1, 1), ap(-1, 2), ap(-1, 3),
          ar(0, 0),  ar(0, 1), ar(0, 2), ar(1, 2),  ar(2, 2),  ar(3, 2)};
}

}  // namespace osprey::evaluation
