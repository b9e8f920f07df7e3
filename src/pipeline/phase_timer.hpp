// SPDX-License-Identifier: Apache-2.0
// How long something has spent in each of its phases.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>

#include "base/clock.hpp"
#include "core/time.hpp"

namespace osprey::pipeline {

/// `Phase` is an enum whose values count from 0 to kCount_; it starts in phase 0. Threads: one.
template <typename Phase>
class PhaseTimer {
 public:
  explicit PhaseTimer(base::Instant start) : since_(start) {}

  Phase phase() const { return phase_; }

  void enter(Phase phase, base::Instant now) {
    spent_[static_cast<std::size_t>(phase_)] += now - since_;
    phase_ = phase;
    since_ = now;
  }

  /// Includes the present phase up to `now`, if it began before.
  Duration spent_in(Phase phase, base::Instant now) const {
    const Duration spent = spent_[static_cast<std::size_t>(phase)];
    return phase == phase_ ? spent + std::max(Duration::zero(), now - since_) : spent;
  }

 private:
  std::array<Duration, static_cast<std::size_t>(Phase::kCount_)> spent_{};
  Phase phase_{};
  base::Instant since_;
};

}  // namespace osprey::pipeline
