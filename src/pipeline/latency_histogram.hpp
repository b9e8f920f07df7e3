// SPDX-License-Identifier: Apache-2.0
// Quantiles of any number of durations in fixed memory.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/time.hpp"
#include "pipeline/stats.hpp"

namespace osprey::pipeline {

/// Counts durations in buckets whose widths grow with them: 64 for each doubling, so a quantile is
/// off by at most 1 %. 30 KB. The scheme is HdrHistogram's. Threads: one.
class LatencyHistogram {
 public:
  /// Negative durations count as 0.
  void add(Duration duration);

  /// Quantile q is the smallest recorded value that at least q of all do not exceed. All 0 if
  /// empty.
  LatencyStats stats() const;

 private:
  static constexpr int kSubBits = 6;
  static constexpr std::size_t kSub = std::size_t{1} << kSubBits;
  static constexpr std::size_t kBuckets = (63 - kSubBits + 1) * kSub;

  std::array<std::uint64_t, kBuckets> counts_{};
  std::size_t lowest_ = kBuckets;  // that is not empty
  std::uint64_t total_ = 0;
  Duration max_{0};
};

}  // namespace osprey::pipeline
