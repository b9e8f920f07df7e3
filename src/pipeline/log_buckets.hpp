// SPDX-License-Identifier: Apache-2.0
// Which bucket of a histogram a number is in, where buckets' widths grow with what they hold.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <span>

#include "pipeline/stats.hpp"

namespace osprey::pipeline {

/// Values below 2^sub_bits have a bucket each; above, the leading sub_bits + 1 bits pick it.
inline std::size_t bucket_of(std::uint64_t value, int sub_bits) {
  const int shift = std::max(0, static_cast<int>(std::bit_width(value)) - sub_bits - 1);
  return (static_cast<std::size_t>(shift) << sub_bits) + static_cast<std::size_t>(value >> shift);
}

inline std::uint64_t middle_of(std::size_t bucket, int sub_bits) {
  const std::uint64_t sub = std::uint64_t{1} << sub_bits;
  if (bucket < 2 * sub) return bucket;
  const auto shift = (bucket >> sub_bits) - 1;
  const std::uint64_t leading = sub + (bucket & (sub - 1));
  return (leading << shift) + (std::uint64_t{1} << shift) / 2;
}

/// Quantile q is the smallest value that at least q of all do not exceed. `counts` hold `total`
/// values of `unit` nanoseconds, the largest of them `max`, none before `lowest`.
template <typename Count>
LatencyStats quantiles(std::span<const Count> counts, std::size_t lowest, std::uint64_t total,
                       Duration max, int sub_bits, Duration::rep unit) {
  LatencyStats stats;
  if (total == 0) return stats;
  stats.max = max;
  struct Quantile {
    double q;
    Duration* value;
  };
  const Quantile all[] = {{0.50, &stats.p50}, {0.95, &stats.p95}, {0.99, &stats.p99}};
  const Quantile* wanted = std::begin(all);
  std::uint64_t seen = 0;
  for (std::size_t bucket = lowest; bucket < counts.size() && wanted != std::end(all); ++bucket) {
    seen += counts[bucket];
    while (wanted != std::end(all) &&
           seen >= static_cast<std::uint64_t>(std::ceil(wanted->q * static_cast<double>(total)))) {
      const auto middle = static_cast<Duration::rep>(middle_of(bucket, sub_bits));
      *wanted->value = std::min(max, Duration(middle * unit));
      ++wanted;
    }
  }
  return stats;
}

}  // namespace osprey::pipeline
