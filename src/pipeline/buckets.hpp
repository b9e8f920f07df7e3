// SPDX-License-Identifier: Apache-2.0
// Durations counted in a few fixed buckets, as Prometheus has them.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <numeric>

#include "core/time.hpp"

namespace osprey::pipeline {

struct Buckets {
  /// Upper ends, inclusive; the last bucket has none.
  static constexpr std::array<Duration, 17> kBounds = [] {
    constexpr double kMilliseconds[] = {1,   2.5, 5,   10,  15,   25,   40,   60,   100,
                                        150, 250, 400, 600, 1000, 2500, 5000, 10000};
    std::array<Duration, std::size(kMilliseconds)> bounds{};
    for (std::size_t i = 0; i < bounds.size(); ++i) {
      bounds[i] = Duration(static_cast<Duration::rep>(kMilliseconds[i] * 1e6));
    }
    return bounds;
  }();

  std::array<std::uint64_t, kBounds.size() + 1> counts{};  ///< not added up
  Duration sum{0};

  void add(Duration duration) {
    const auto bound = std::lower_bound(kBounds.begin(), kBounds.end(), duration);
    ++counts[static_cast<std::size_t>(bound - kBounds.begin())];
    sum += duration;
  }

  std::uint64_t count() const {
    return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
  }
};

}  // namespace osprey::pipeline
