// SPDX-License-Identifier: Apache-2.0
#include "sim/rk3588/cores.hpp"

#include <algorithm>
#include <bit>

namespace osprey::sim {

Cores::Run Cores::book(std::uint32_t mask, Clock::duration alone, double parallel) {
  const std::lock_guard lock(mutex_);
  if (mask == 0) {
    const auto first = std::min_element(free_at_.begin(), free_at_.end());
    mask = 1u << (first - free_at_.begin());
  }
  Run run;
  run.mask = mask;
  run.begin = Clock::now();
  for (std::size_t core = 0; core < kCount; ++core) {
    if (mask >> core & 1) run.begin = std::max(run.begin, free_at_[core]);
  }
  const double cores = std::popcount(mask);
  const double share = 1 - parallel + parallel / cores;
  const auto length = std::chrono::duration_cast<Clock::duration>(alone * share);
  run.end = run.begin + length;
  for (std::size_t core = 0; core < kCount; ++core) {
    if (!(mask >> core & 1)) continue;
    free_at_[core] = run.end;
    busy_[core] += length;
  }
  return run;
}

std::array<double, Cores::kCount> Cores::load() const {
  const std::lock_guard lock(mutex_);
  const auto now = Clock::now();
  const std::chrono::duration<double> span = now - load_since_;
  std::array<double, kCount> load{};
  for (std::size_t core = 0; core < kCount; ++core) {
    // What is booked beyond now has not been done.
    const auto ahead = std::max(Clock::duration::zero(), free_at_[core] - now);
    const auto done = busy_[core] - ahead;
    const std::chrono::duration<double> ran = done - busy_then_[core];
    load[core] = span.count() > 0 ? std::clamp(ran / span, 0.0, 1.0) : 0;
    busy_then_[core] = done;
  }
  load_since_ = now;
  return load;
}

}  // namespace osprey::sim
