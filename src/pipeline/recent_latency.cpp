// SPDX-License-Identifier: Apache-2.0
#include "pipeline/recent_latency.hpp"

#include <algorithm>

#include "pipeline/log_buckets.hpp"

namespace osprey::pipeline {

std::size_t RecentLatency::slices_until(base::Instant now) const {
  if (now < slice_ends_) return 0;
  return static_cast<std::size_t>((now - slice_ends_) / kSlice) + 1;
}

void RecentLatency::add(Duration duration, base::Instant now) {
  const std::size_t ended = slices_until(now);
  for (std::size_t i = 0; i < std::min(ended, kSlices); ++i) {
    present_ = (present_ + 1) % kSlices;
    slices_[present_] = {};
  }
  slice_ends_ += kSlice * static_cast<Duration::rep>(ended);

  const auto value = static_cast<std::uint64_t>(std::max<Duration::rep>(0, duration.count()));
  constexpr std::uint64_t kMost = (std::uint64_t{1} << kValueBits) - 1;
  Slice& slice = slices_[present_];
  const std::size_t bucket = bucket_of(std::min(value >> kUnitBits, kMost), kSubBits);
  ++slice.counts[bucket];
  slice.lowest = std::min(slice.lowest, bucket);
  slice.highest = std::max(slice.highest, bucket);
  ++slice.total;
  slice.max = std::max(slice.max, duration);
}

LatencyStats RecentLatency::stats(base::Instant now) const {
  const std::size_t ended = slices_until(now);
  std::array<std::uint32_t, kBuckets> counts{};
  std::size_t lowest = kBuckets;
  std::uint64_t total = 0;
  Duration max{0};
  for (std::size_t back = 0; back + ended < kSlices; ++back) {
    const Slice& slice = slices_[(present_ + kSlices - back) % kSlices];
    if (slice.total == 0) continue;
    for (std::size_t i = slice.lowest; i <= slice.highest; ++i) counts[i] += slice.counts[i];
    lowest = std::min(lowest, slice.lowest);
    total += slice.total;
    max = std::max(max, slice.max);
  }
  return quantiles<std::uint32_t>(counts, lowest, total, max, kSubBits,
                                  Duration::rep{1} << kUnitBits);
}

}  // namespace osprey::pipeline
