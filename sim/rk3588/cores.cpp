// SPDX-License-Identifier: Apache-2.0
#include "sim/rk3588/cores.hpp"

#include <algorithm>
#include <bit>
#include <numeric>

namespace osprey::sim {

std::chrono::nanoseconds Cost::on(int cores) const {
  if (batch > 1) return alone * ((batch + cores - 1) / cores);
  const double share = 1 - parallel + parallel / cores;
  return std::chrono::duration_cast<std::chrono::nanoseconds>(alone * share);
}

Cores::Run Cores::book(Clock::time_point earliest, std::uint32_t mask, const Cost& cost) {
  const std::lock_guard lock(mutex_);
  Run run;
  run.mask = mask == 0 ? free_first(cost.auto_cores) : mask;
  run.begin = earliest;
  for (std::size_t core = 0; core < kCount; ++core) {
    if (run.mask >> core & 1) run.begin = std::max(run.begin, free_at_[core]);
  }
  const auto length = cost.on(std::popcount(run.mask));
  run.end = run.begin + length;
  for (std::size_t core = 0; core < kCount; ++core) {
    if (!(run.mask >> core & 1)) continue;
    free_at_[core] = run.end;
    busy_[core] += length;
  }
  return run;
}

void Cores::block(std::size_t core, Clock::time_point until) {
  const std::lock_guard lock(mutex_);
  free_at_[core] = std::max(free_at_[core], until);
}

std::uint32_t Cores::free_first(int count) const {
  std::array<std::size_t, kCount> order{};
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return free_at_[a] < free_at_[b]; });
  std::uint32_t mask = 0;
  for (int i = 0; i < std::clamp<int>(count, 1, kCount); ++i) {
    mask |= 1u << order[static_cast<std::size_t>(i)];
  }
  return mask;
}

std::array<double, Cores::kCount> Cores::load(Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  const std::chrono::duration<double> span = now - load_since_;
  std::array<double, kCount> load{};
  for (std::size_t core = 0; core < kCount; ++core) {
    // What is booked beyond now has not been done.
    const auto ahead = std::clamp(free_at_[core] - now, Clock::duration::zero(), busy_[core]);
    const auto done = busy_[core] - ahead;
    const std::chrono::duration<double> ran = done - busy_then_[core];
    load[core] = span.count() > 0 ? std::clamp(ran / span, 0.0, 1.0) : 0;
    busy_then_[core] = done;
  }
  load_since_ = now;
  return load;
}

}  // namespace osprey::sim
