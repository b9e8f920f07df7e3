// SPDX-License-Identifier: Apache-2.0
#include "board/sampler.hpp"

#include <algorithm>
#include <chrono>

namespace osprey::board {

namespace {

constexpr auto kInterval = std::chrono::seconds(1);
constexpr int kBusyPercent = 10;

void widen(std::optional<ClockRange>& range, std::optional<ClockReading> clock) {
  if (!clock || !clock->mhz) return;
  const int mhz = *clock->mhz;
  if (!range) range = ClockRange{{}, mhz, mhz};
  range->lowest = std::min(range->lowest, mhz);
  range->highest = std::max(range->highest, mhz);
  range->last = std::move(*clock);
}

bool of_npu(const Temperature& temperature) {
  return temperature.zone.find("npu") != std::string::npos;
}

}  // namespace

void Sampler::sample(base::Instant now) {
  if (!last_) last_ = now;
  if (now - *last_ < kInterval) return;
  last_ = now;
  take();
}

void Sampler::take() {
  ++seen_.samples;
  const auto load = read_npu_load(files_);
  load_sums_.resize(std::max(load_sums_.size(), load.size()));
  seen_.npu_load.resize(load_sums_.size());
  bool busy = load.empty();
  for (std::size_t core = 0; core < load.size(); ++core) {
    // Its timer is not exact, and a stuck NPU counts on.
    const int percent = std::min(load[core], 100);
    load_sums_[core] += percent;
    seen_.npu_load[core].most = std::max(seen_.npu_load[core].most, percent);
    busy = busy || percent >= kBusyPercent;
  }
  // An idle NPU's clock may be as slow as it likes.
  if (busy) {
    widen(seen_.npu_clock, read_npu_clock(files_));
    widen(seen_.memory_clock, read_memory_clock(files_));
  }
  for (const auto& temperature : read_temperatures(files_)) {
    const auto zone = std::find_if(zones_.begin(), zones_.end(), [&](const Temperature& known) {
      return known.zone == temperature.zone;
    });
    if (zone == zones_.end()) {
      zones_.push_back(temperature);
    } else {
      zone->celsius = std::max(zone->celsius, temperature.celsius);
    }
  }
  for (const auto& name : read_throttling(files_)) {
    auto& names = seen_.throttled;
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
}

Observed Sampler::finish() {
  if (seen_.samples == 0) take();
  for (std::size_t core = 0; core < load_sums_.size(); ++core) {
    seen_.npu_load[core].mean = static_cast<double>(load_sums_[core]) / seen_.samples;
  }
  const auto cooler = [](const Temperature& a, const Temperature& b) {
    if (of_npu(a) != of_npu(b)) return of_npu(b);
    return a.celsius < b.celsius;
  };
  const auto hottest = std::max_element(zones_.begin(), zones_.end(), cooler);
  if (hottest != zones_.end()) seen_.hottest = *hottest;
  return seen_;
}

}  // namespace osprey::board
