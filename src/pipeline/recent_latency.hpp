// SPDX-License-Identifier: Apache-2.0
// Quantiles of the durations of the last minute in fixed memory.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/clock.hpp"
#include "core/time.hpp"
#include "pipeline/stats.hpp"

namespace osprey::pipeline {

/// A histogram for each ten seconds of the last sixty: 32 buckets for each doubling from half a
/// millisecond on, so a quantile is off by at most 2 %, or 16 us. 20 KB. Threads: one.
class RecentLatency {
 public:
  explicit RecentLatency(base::Instant start) : slice_ends_(start + kSlice) {}

  /// `now` never falls. Negative durations count as 0.
  void add(Duration duration, base::Instant now);

  /// Of those added in the 50..60 s before `now`. All 0 if there are none.
  LatencyStats stats(base::Instant now) const;

 private:
  static constexpr Duration kSlice = std::chrono::seconds(10);
  static constexpr std::size_t kSlices = 6;
  static constexpr int kSubBits = 5;
  static constexpr int kUnitBits = 14;   // 16 us
  static constexpr int kValueBits = 26;  // up to 18 minutes
  static constexpr std::size_t kBuckets =
      (kValueBits - kSubBits + 1) * (std::size_t{1} << kSubBits);

  struct Slice {
    std::array<std::uint32_t, kBuckets> counts{};
    std::size_t lowest = kBuckets, highest = 0;  // that are not empty
    std::uint64_t total = 0;
    Duration max{0};
  };

  /// How many slices have ended since the present one, by `now`.
  std::size_t slices_until(base::Instant now) const;

  std::array<Slice, kSlices> slices_;
  std::size_t present_ = 0;
  base::Instant slice_ends_;
};

}  // namespace osprey::pipeline
