// SPDX-License-Identifier: Apache-2.0
// Frames' timestamps, from what a container and decoder say about them.
#pragma once

#include <cstdint>
#include <optional>

#include "core/time.hpp"

namespace osprey::media {

/// Seconds a tick, or frames a second; positive, or "unknown" where that is allowed.
struct Ratio {
  int numerator = 0;
  int denominator = 1;
};

/// Turns ticks into Timestamps that count from a stream's first frame, and makes up the missing
/// ones from the frame rate. Any ticks are safe: what does not fit saturates. Threads: one.
class MediaClock {
 public:
  /// 25 frames a second are assumed where the rate is unknown.
  MediaClock(Ratio tick, Ratio frame_rate);

  /// The ticks of time 0; without it, those of the first frame.
  void set_origin(std::int64_t ticks) { origin_ = ticks; }

  /// Of the next frame. To be called for every frame, in order.
  Timestamp next(std::optional<std::int64_t> ticks);

 private:
  /// Where the frame rate puts the next frame.
  std::int64_t expected_nanoseconds() const;

  Ratio tick_;
  Ratio frame_rate_;
  std::optional<std::int64_t> origin_;
  std::int64_t anchor_nanoseconds_ = 0;  ///< of the last frame that had ticks
  std::int64_t frames_after_anchor_ = 0;
};

}  // namespace osprey::media
