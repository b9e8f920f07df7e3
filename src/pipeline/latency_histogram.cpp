// SPDX-License-Identifier: Apache-2.0
#include "pipeline/latency_histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace osprey::pipeline {
namespace {

/// Values below 2^sub_bits have a bucket each; above, the leading sub_bits + 1 bits pick it.
std::size_t bucket_of(std::uint64_t value, int sub_bits) {
  const int shift = std::max(0, static_cast<int>(std::bit_width(value)) - sub_bits - 1);
  return (static_cast<std::size_t>(shift) << sub_bits) + static_cast<std::size_t>(value >> shift);
}

std::uint64_t middle_of(std::size_t bucket, int sub_bits) {
  const std::uint64_t sub = std::uint64_t{1} << sub_bits;
  if (bucket < 2 * sub) return bucket;
  const auto shift = (bucket >> sub_bits) - 1;
  const std::uint64_t leading = sub + (bucket & (sub - 1));
  return (leading << shift) + (std::uint64_t{1} << shift) / 2;
}

}  // namespace

void LatencyHistogram::add(Duration duration) {
  const auto value = static_cast<std::uint64_t>(std::max<Duration::rep>(0, duration.count()));
  ++counts_[bucket_of(value, kSubBits)];
  ++total_;
  max_ = std::max(max_, duration);
}

LatencyStats LatencyHistogram::stats() const {
  LatencyStats stats;
  if (total_ == 0) return stats;
  stats.max = max_;
  struct Quantile {
    double q;
    Duration* value;
  };
  const Quantile quantiles[] = {{0.50, &stats.p50}, {0.95, &stats.p95}, {0.99, &stats.p99}};
  const Quantile* wanted = std::begin(quantiles);
  std::uint64_t seen = 0;
  for (std::size_t bucket = 0; bucket < kBuckets && wanted != std::end(quantiles); ++bucket) {
    seen += counts_[bucket];
    while (wanted != std::end(quantiles) &&
           seen >= static_cast<std::uint64_t>(std::ceil(wanted->q * static_cast<double>(total_)))) {
      *wanted->value = std::min(max_, Duration(middle_of(bucket, kSubBits)));
      ++wanted;
    }
  }
  return stats;
}

}  // namespace osprey::pipeline
