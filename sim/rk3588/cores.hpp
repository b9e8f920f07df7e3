// SPDX-License-Identifier: Apache-2.0
// Three NPU cores as resources in time.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <mutex>

namespace osprey::sim {

/// Threads: any.
class Cores {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::size_t kCount = 3;

  struct Run {
    Clock::time_point begin, end;
    std::uint32_t mask = 0;  ///< the cores it has
  };

  /// Books a run behind what is booked on its cores: those of `mask` (bit 0: core 0), or for 0 the
  /// one that is free first. `alone`: what it takes on one core; on n it takes
  /// alone * (1 - parallel + parallel / n).
  Run book(std::uint32_t mask, Clock::duration alone, double parallel);

  /// Share of the time between two moments in which a core ran, 0..1. For moments of the last
  /// second.
  std::array<double, kCount> load() const;

 private:
  mutable std::mutex mutex_;
  std::array<Clock::time_point, kCount> free_at_{};
  std::array<Clock::duration, kCount> busy_{};
  mutable Clock::time_point load_since_ = Clock::now();
  mutable std::array<Clock::duration, kCount> busy_then_{};
};

}  // namespace osprey::sim
