// SPDX-License-Identifier: Apache-2.0
// Whether a lane may be used, and when one that failed is tried again.
#pragma once

#include <algorithm>
#include <cstddef>

#include "base/clock.hpp"
#include "core/time.hpp"

namespace osprey::pipeline {

/// A lane that failed rests: for kFirstRest, and twice as long after each further failure until a
/// run succeeds, up to kLongestRest, or to kLastRest if it was the last in use. Threads: one at a
/// time.
class LaneHealth {
 public:
  static constexpr Duration kFirstRest = std::chrono::milliseconds(100);
  static constexpr Duration kLongestRest = std::chrono::seconds(10);
  static constexpr Duration kLastRest = std::chrono::milliseconds(500);

  /// What fails while it rests ran already when the lane failed: it is the same failure.
  void failed(base::Instant now, bool others_work = true) {
    if (rests_) return;
    rest_ = failures_ == 0 ? kFirstRest : std::min(2 * rest_, kLongestRest);
    ++failures_;
    rests_ = true;
    rests_until_ = now + (others_work ? rest_ : std::min(rest_, kLastRest));
  }
  /// It is to be tried again.
  void returns() { rests_ = false; }
  /// A run succeeded.
  void worked() { failures_ = rests_ ? failures_ : 0; }

  bool rests() const { return rests_; }
  base::Instant rests_until() const { return rests_until_; }
  std::size_t failures() const { return failures_; }  ///< since a run succeeded

 private:
  bool rests_ = false;
  base::Instant rests_until_;
  Duration rest_{0};
  std::size_t failures_ = 0;
};

}  // namespace osprey::pipeline
