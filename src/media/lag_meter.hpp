// SPDX-License-Identifier: Apache-2.0
// How far a reader is behind a live stream.
#pragma once

#include <optional>

#include "base/clock.hpp"
#include "core/time.hpp"

namespace osprey::media {

/// Compares how time passes for packets that are read with how it passes in their timestamps. Who
/// had to wait for a packet has all there is and is late by nothing, whatever the timestamps say:
/// so neither a camera's clock that runs slowly nor one that jumps looks like a reader that does
/// not keep up. Threads: one.
class LagMeter {
 public:
  /// A packet was read at `now`; `media` is its time by the stream, `waited` how long it was waited
  /// for. Returns how late it was read.
  Duration update(base::Instant now, Duration media, Duration waited);

 private:
  struct Point {
    base::Instant time;
    Duration media;
  };

  std::optional<Point> last_;
  Duration offset_{0};    ///< of the machine's time against the stream's, of a packet read in time
  Duration interval_{0};  ///< between packets, by the stream; a running mean
};

}  // namespace osprey::media
