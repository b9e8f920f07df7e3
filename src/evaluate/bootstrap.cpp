// SPDX-License-Identifier: Apache-2.0
#include "evaluate/bootstrap.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <random>

#include "evaluate/parallel.hpp"
#include "evaluate/precision_curve.hpp"

namespace osprey::evaluation {

namespace {

/// What a category's AP is made of.
struct Outcomes {
  struct Detection {
    std::uint32_t picture;
    std::uint16_t matched, ignored;
  };
  std::vector<Detection> detections;  // the highest score first
  std::vector<std::uint32_t> labels;  // their pictures
};

std::vector<Outcomes> outcomes_of(const GroundTruth& truth, const Detections& found,
                                  const std::vector<CategoryMatches>& matches) {
  std::vector<Outcomes> all(matches.size());
  for (std::size_t c = 0; c < matches.size(); ++c) {
    for (const auto& detection : matches[c].detections) {
      all[c].detections.push_back({static_cast<std::uint32_t>(found[detection.index].picture),
                                   detection.matched[0], detection.ignored[0]});
    }
  }
  for (const auto& label : truth.labels) {
    if (!label.counts()) continue;
    all[static_cast<std::size_t>(label.category)].labels.push_back(
        static_cast<std::uint32_t>(label.picture));
  }
  return all;
}

/// AP where each picture is there `times[picture]` times.
double average_precision(const std::vector<Outcomes>& all, const std::vector<int>& times) {
  double sum = 0;
  int counted = 0;
  PrecisionCurve curve;
  for (const auto& category : all) {
    double labels = 0;
    for (const auto picture : category.labels) labels += times[picture];
    if (labels == 0) continue;
    ++counted;
    for (std::size_t t = 0; t < kThresholds; ++t) {
      curve.clear();
      for (const auto& detection : category.detections) {
        const int weight = times[detection.picture];
        if (weight == 0 || (detection.ignored >> t & 1) != 0) continue;
        curve.add((detection.matched >> t & 1) != 0, weight);
      }
      sum += curve.average_precision(labels) / kThresholds;
    }
  }
  return counted == 0 ? 0 : sum / counted;
}

/// Between the sorted values around it.
double quantile(const std::vector<double>& sorted, double share) {
  const double at = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const auto above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (at - std::floor(at)) * (sorted[above] - sorted[below]);
}

}  // namespace

std::vector<Difference> compare(const GroundTruth& truth,
                                const std::vector<const Detections*>& found,
                                const std::vector<const std::vector<CategoryMatches>*>& matches,
                                const BootstrapOptions& options) {
  std::vector<std::vector<Outcomes>> all;
  for (std::size_t i = 0; i < found.size(); ++i) {
    all.push_back(outcomes_of(truth, *found[i], *matches[i]));
  }
  const auto pictures = truth.pictures.size();
  const auto samples = static_cast<std::size_t>(options.samples);
  std::vector<std::vector<double>> differences(found.size(), std::vector<double>(samples));
  std::atomic<int> done = 0;
  std::atomic<bool> stopped = pictures == 0;
  in_parallel(samples, options.threads, [&](std::size_t sample) {
    if (stopped) return;
    // A generator of its own: the same samples on any number of threads.
    std::mt19937_64 random(options.seed * 1'000'003 + sample);
    std::vector<int> times(pictures);
    for (std::size_t i = 0; i < pictures; ++i) ++times[random() % pictures];
    const double first = average_precision(all[0], times);
    for (std::size_t i = 1; i < all.size(); ++i) {
      differences[i][sample] = average_precision(all[i], times) - first;
    }
    if (options.progress && !options.progress(++done)) stopped = true;
  });
  if (stopped) return {};
  const std::vector<int> once(pictures, 1);
  const double first = average_precision(all[0], once);
  std::vector<Difference> result(found.size());
  for (std::size_t i = 1; i < found.size(); ++i) {
    auto& sorted = differences[i];
    std::sort(sorted.begin(), sorted.end());
    const double tail = (1 - options.confidence) / 2;
    result[i] = {average_precision(all[i], once) - first, quantile(sorted, tail),
                 quantile(sorted, 1 - tail)};
  }
  return result;
}

std::string verdict(const Difference& difference, const std::string& first,
                    const std::string& second) {
  const bool second_better = difference.value > 0;
  const double sign = !difference.shown() || second_better ? 1 : -1;
  const double low = std::min(sign * difference.lowest, sign * difference.highest);
  const double high = std::max(sign * difference.lowest, sign * difference.highest);
  char numbers[80];
  std::snprintf(numbers, sizeof numbers, "%.3f [%.3f, %.3f]", sign * difference.value, low, high);
  if (!difference.shown()) return std::string("no difference shown: ") + numbers;
  return (second_better ? second : first) + " better by " + numbers;
}

}  // namespace osprey::evaluation
