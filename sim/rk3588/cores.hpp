// SPDX-License-Identifier: Apache-2.0
// Three NPU cores as resources in time.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>

namespace osprey::sim {

/// What a run takes, and on how many cores.
struct Cost {
  std::chrono::nanoseconds alone{0};  ///< a picture on one core
  double parallel = 0;                ///< share of it that several cores divide among them
  int batch = 1;                      ///< pictures: several cores divide them instead
  int auto_cores = 1;                 ///< how many cores it has where it may choose

  /// On `cores` of them.
  std::chrono::nanoseconds on(int cores) const;
};

/// Threads: any.
class Cores {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::size_t kCount = 3;

  struct Run {
    Clock::time_point begin, end;
    std::uint32_t mask = 0;  ///< the cores it has
  };

  /// Books a run behind what is booked on its cores, not before `earliest`: those of `mask` (bit 0:
  /// core 0), or for 0 those that are free first.
  Run book(Clock::time_point earliest, std::uint32_t mask, const Cost& cost);

  /// The core does nothing until then.
  void block(std::size_t core, Clock::time_point until);

  /// Share of the time since the last call in which each core ran, 0..1.
  std::array<double, kCount> load(Clock::time_point now);

 private:
  std::uint32_t free_first(int count) const;

  std::mutex mutex_;
  std::array<Clock::time_point, kCount> free_at_{};
  std::array<Clock::duration, kCount> busy_{};
  Clock::time_point load_since_ = Clock::now();
  std::array<Clock::duration, kCount> busy_then_{};
};

}  // namespace osprey::sim
