// SPDX-License-Identifier: Apache-2.0
#include "quantize/scale.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

namespace osprey::quantize {

namespace {

constexpr double kSteps = 255;

Range whole(const Histogram& seen) {
  return {std::min(0.0, static_cast<double>(seen.lowest())),
          std::max(0.0, static_cast<double>(seen.highest()))};
}

Range of_percentile(const Histogram& seen, double percentile) {
  const auto bins = seen.bins();
  const double out = static_cast<double>(seen.count()) * (1 - percentile / 100) / 2;
  const Range all = whole(seen);
  Range range = all;
  double passed = 0;
  for (std::size_t i = 0; i < bins.size(); ++i) {
    passed += static_cast<double>(bins[i]);
    if (passed <= out) continue;
    range.low = std::clamp(seen.centre(i) - seen.width() / 2, all.low, 0.0);
    break;
  }
  passed = 0;
  for (std::size_t i = bins.size(); i-- > 0;) {
    passed += static_cast<double>(bins[i]);
    if (passed <= out) continue;
    range.high = std::clamp(seen.centre(i) + seen.width() / 2, 0.0, all.high);
    break;
  }
  return range;
}

/// Both ends cut off at most at `limit` from 0.
Range cut(const Range& range, double limit) {
  return {std::max(range.low, -limit), std::min(range.high, limit)};
}

/// The best of the ranges cut at `kCuts` limits, the highest value being the first; `cost` of a
/// range is low where it is good.
template <typename Cost>
Range best_cut(const Range& all, Cost cost) {
  constexpr int kCuts = 128;
  const double most = std::max(-all.low, all.high);
  Range best = all;
  double least = std::numeric_limits<double>::infinity();
  for (int i = kCuts; i > 0; --i) {
    const Range range = cut(all, most * i / kCuts);
    const double of_this = cost(range);
    if (of_this < least) {
      least = of_this;
      best = range;
    }
  }
  return best;
}

Range of_least_error(const Histogram& seen) {
  const Range all = whole(seen);
  const auto cost = [&](const Range& range) { return error_of(seen, scale_of(range)).mean_square; };
  // First both ends, then each by itself around what was found.
  Range best = best_cut(all, cost);
  double least = cost(best);
  const auto try_range = [&](const Range& range) {
    const double of_this = cost(range);
    if (of_this >= least) return;
    least = of_this;
    best = range;
  };
  constexpr int kFactors = 40;
  for (int round = 0; round < 2; ++round) {
    const Range start = best;
    for (int i = 1; i <= kFactors; ++i) {
      const double factor = 1.2 * i / kFactors;
      try_range({std::max(all.low, start.low * factor), best.high});
    }
    const Range middle = best;
    for (int i = 1; i <= kFactors; ++i) {
      const double factor = 1.2 * i / kFactors;
      try_range({middle.low, std::min(all.high, start.high * factor)});
    }
  }
  return best;
}

/// A histogram in few bins. In many, a range that is narrow enough for a step a bin changes nothing
/// but what it cuts off, and always seems best.
struct Coarse {
  explicit Coarse(const Histogram& seen) : count(static_cast<double>(seen.count())) {
    constexpr std::size_t kBins = 512;  // a range of half of them still has a bin a step
    const auto all = seen.bins();
    const std::size_t together = (all.size() + kBins - 1) / kBins;
    bins.assign((all.size() + together - 1) / together, 0);
    for (std::size_t i = 0; i < all.size(); ++i) bins[i / together] += static_cast<double>(all[i]);
    width = seen.width() * static_cast<double>(together);
    start = seen.centre(0) - seen.width() / 2;
  }
  double centre(std::size_t bin) const { return start + (static_cast<double>(bin) + 0.5) * width; }

  std::vector<double> bins;
  double count, width = 0, start = 0;
};

/// How far the histogram is from its rounding to 256 steps, as Kullback and Leibler measure it. In
/// the former, what the range cuts off lies in its outermost bins; in the latter, a step's values
/// are spread over those of its bins that had any.
double divergence(const Coarse& seen, const Range& range) {
  const auto& bins = seen.bins;
  const Scale scale = scale_of(range);
  const auto step_of = [&](std::size_t bin) {
    return std::nearbyint(seen.centre(bin) / static_cast<double>(scale.scale)) + scale.zero_point;
  };
  std::size_t first = 0, last = bins.size();  // of what is within: [first, last)
  while (first < last && (bins[first] == 0 || step_of(first) < 0)) ++first;
  while (first < last && (bins[last - 1] == 0 || step_of(last - 1) > kSteps)) --last;
  const auto sum = [&](std::size_t from, std::size_t to) {
    return std::accumulate(bins.begin() + static_cast<std::ptrdiff_t>(from),
                           bins.begin() + static_cast<std::ptrdiff_t>(to), 0.0);
  };
  const double within = sum(first, last);
  if (within == 0) return std::numeric_limits<double>::infinity();
  struct Step {
    double values = 0;
    int bins = 0;
  };
  std::vector<Step> steps(256);
  for (std::size_t i = first; i < last; ++i) {
    if (bins[i] == 0) continue;
    auto& step = steps[static_cast<std::size_t>(step_of(i))];
    step.values += bins[i];
    ++step.bins;
  }
  const double below = sum(0, first), above = sum(last, bins.size());
  double divergence = 0;
  for (std::size_t i = first; i < last; ++i) {
    if (bins[i] == 0) continue;
    const auto& step = steps[static_cast<std::size_t>(step_of(i))];
    const double here = bins[i] + (i == first ? below : 0) + (i + 1 == last ? above : 0);
    const double p = here / seen.count;
    divergence += p * std::log(p / (step.values / step.bins / within));
  }
  return divergence;
}

Range of_least_divergence(const Histogram& seen) {
  const Coarse coarse(seen);
  return best_cut(whole(seen), [&](const Range& range) { return divergence(coarse, range); });
}

}  // namespace

Range choose_range(const Histogram& seen, Algorithm algorithm, double percentile) {
  if (seen.empty()) return {};
  switch (algorithm) {
    case Algorithm::kNormal:
      return whole(seen);
    case Algorithm::kMmse:
      return of_least_error(seen);
    case Algorithm::kKlDivergence:
      return of_least_divergence(seen);
    case Algorithm::kPercentile:
      return of_percentile(seen, percentile);
  }
  return {};
}

Scale scale_of(const Range& range) {
  const double span = range.high - range.low;
  Scale scale;
  if (!(span > std::numeric_limits<float>::min() * kSteps)) return scale;
  scale.scale = static_cast<float>(span / kSteps);
  const double zero = std::nearbyint(-range.low / static_cast<double>(scale.scale));
  scale.zero_point = static_cast<std::uint8_t>(std::clamp(zero, 0.0, kSteps));
  return scale;
}

Scale scale_by_channel(std::span<const float> lowest, std::span<const float> highest) {
  double largest = 0;
  for (std::size_t c = 0; c < lowest.size(); ++c) {
    largest = std::max(largest, static_cast<double>(highest[c]) - static_cast<double>(lowest[c]));
  }
  // A channel of hardly any range would turn whatever it may ever hold into the last step.
  const double least = std::max(largest * 1e-4, 1e-30) / kSteps;
  const auto step_of = [&](std::size_t c, double zero) {
    const double low = std::min(static_cast<double>(lowest[c]), 0.0);
    const double high = std::max(static_cast<double>(highest[c]), 0.0);
    double step = least;
    if (high > 0) step = std::max(step, zero < kSteps ? high / (kSteps - zero) : HUGE_VAL);
    if (low < 0) step = std::max(step, zero > 0 ? -low / zero : HUGE_VAL);
    return step;
  };
  // That which costs the channels least, each measured by its own range.
  Scale scale;
  double lowest_cost = HUGE_VAL;
  for (int zero = 0; zero <= static_cast<int>(kSteps); ++zero) {
    double cost = 0;
    for (std::size_t c = 0; c < lowest.size(); ++c) {
      const double range =
          std::max(static_cast<double>(std::max(highest[c], 0.f)) - std::min(lowest[c], 0.f),
                   least * kSteps);
      const double relative = step_of(c, zero) / range;
      cost += relative * relative;
    }
    if (cost >= lowest_cost) continue;
    lowest_cost = cost;
    scale.zero_point = static_cast<std::uint8_t>(zero);
  }
  scale.scale = 0;
  for (std::size_t c = 0; c < lowest.size(); ++c) {
    scale.channels.push_back(static_cast<float>(step_of(c, scale.zero_point)));
    scale.scale = std::max(scale.scale, scale.channels.back());
  }
  return scale;
}

RoundingError error_of(const Histogram& seen, const Scale& scale) {
  RoundingError error;
  if (seen.empty()) return error;
  if (!scale.channels.empty()) {
    for (const float step : scale.channels) {
      const auto width = static_cast<double>(step);
      error.mean_square += width * width / 12 / static_cast<double>(scale.channels.size());
    }
    error.signal = error_of(seen, {scale.scale, scale.zero_point}).signal;
    // Such errors know nothing of the values.
    if (error.signal > 0) error.cosine = 1 / std::sqrt(1 + error.mean_square / error.signal);
    return error;
  }
  const auto bins = seen.bins();
  const auto step = static_cast<double>(scale.scale);
  const double low = -static_cast<double>(scale.zero_point), high = kSteps + low;
  const double within = seen.width() * seen.width() / 12;  // of the values of a bin
  double clipped = 0, product = 0, power = 0;
  for (std::size_t i = 0; i < bins.size(); ++i) {
    if (bins[i] == 0) continue;
    const auto count = static_cast<double>(bins[i]);
    const double value = seen.centre(i);
    const double nearest = std::nearbyint(value / step);
    const double rounded = std::clamp(nearest, low, high);
    if (nearest != rounded) clipped += count;
    const double off = value - rounded * step;
    error.mean_square += count * (off * off + within);
    error.signal += count * (value * value + within);
    product += count * value * rounded * step;
    power += count * rounded * rounded * step * step;
  }
  if (power * error.signal > 0) error.cosine = product / std::sqrt(power * error.signal);
  const auto total = static_cast<double>(seen.count());
  error.mean_square /= total;
  error.signal /= total;
  error.clipped = clipped / total;
  return error;
}

}  // namespace osprey::quantize
