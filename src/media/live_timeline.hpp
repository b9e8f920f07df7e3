// SPDX-License-Identifier: Apache-2.0
// One time for a stream that is connected to again and again.
#pragma once

#include <cstdint>
#include <optional>

#include "base/clock.hpp"
#include "core/time.hpp"

namespace osprey::media {

/// Timestamps that always rise, whatever those of the stream do: where they jump, and where a new
/// connection begins, the machine's time is taken. Threads: one.
class LiveTimeline {
 public:
  /// A new connection, whose timestamps have nothing to do with those before. Its first frame is
  /// `gap` behind the last one; without that, by the time that passed.
  void restart(std::optional<Duration> gap = std::nullopt) {
    connected_ = false;
    gap_ = gap;
  }

  /// Of the frame that came at `now` with the stream's own `media`.
  Timestamp next(Timestamp media, base::Instant now);

  /// How often timestamps jumped within a connection.
  std::uint64_t jumps() const { return jumps_; }

 private:
  bool any_ = false;
  bool connected_ = false;
  Timestamp given_;  ///< the last
  Timestamp media_;
  base::Instant time_;     ///< of the last frame
  base::Instant went_on_;  ///< of the last one whose timestamp rose
  Timestamp given_went_on_;
  std::optional<Duration> gap_;
  std::uint64_t jumps_ = 0;
};

}  // namespace osprey::media
