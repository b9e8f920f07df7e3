// SPDX-License-Identifier: Apache-2.0
#include "pipeline/latency_histogram.hpp"

#include <algorithm>

#include "pipeline/log_buckets.hpp"

namespace osprey::pipeline {

void LatencyHistogram::add(Duration duration) {
  const auto value = static_cast<std::uint64_t>(std::max<Duration::rep>(0, duration.count()));
  const std::size_t bucket = bucket_of(value, kSubBits);
  ++counts_[bucket];
  lowest_ = std::min(lowest_, bucket);
  ++total_;
  max_ = std::max(max_, duration);
}

LatencyStats LatencyHistogram::stats() const {
  return quantiles<std::uint64_t>(counts_, lowest_, total_, max_, kSubBits, 1);
}

}  // namespace osprey::pipeline
