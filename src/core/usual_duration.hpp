// SPDX-License-Identifier: Apache-2.0
// How long something takes of late.
#pragma once

#include <algorithm>

#include "core/time.hpp"

namespace osprey {

/// Mean and mean deviation of the last few, as TCP estimates round trips (RFC 6298, section 2).
/// Threads: one at a time. Cost: constant.
class UsualDuration {
 public:
  void add(Duration next) {
    if (!known_) {
      known_ = true;
      mean_ = next;
      deviation_ = next / 2;
      return;
    }
    const Duration off = next > mean_ ? next - mean_ : mean_ - next;
    deviation_ = (3 * deviation_ + off) / 4;
    mean_ = (7 * mean_ + next) / 8;
  }

  /// Whether there was any.
  bool known() const { return known_; }
  /// 0 while none is known, as the bounds are.
  Duration mean() const { return mean_; }
  /// Few take less, or more.
  Duration shortest() const { return std::max(Duration::zero(), mean_ - 4 * deviation_); }
  Duration longest() const { return mean_ + 4 * deviation_; }

 private:
  bool known_ = false;
  Duration mean_{0}, deviation_{0};
};

}  // namespace osprey
