// SPDX-License-Identifier: Apache-2.0
// Points in a stream's or the machine's time.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>

namespace osprey {

/// A span of time, whole nanoseconds.
using Duration = std::chrono::nanoseconds;

/// A moment of the world's time, UTC.
using WallTime = std::chrono::sys_time<Duration>;

/// A point in time: nanoseconds since its clock's or stream's origin. Media timestamps count from
/// the stream's first frame, as the container says; a picture's is 0.
struct Timestamp {
  Duration since_origin{0};

  double seconds() const { return std::chrono::duration<double>(since_origin).count(); }
  friend auto operator<=>(const Timestamp&,
                          const Timestamp&) = default;  // NOLINT(modernize-use-nullptr)
  friend Timestamp operator+(Timestamp t, Duration d) { return {t.since_origin + d}; }
  friend Duration operator-(Timestamp a, Timestamp b) { return a.since_origin - b.since_origin; }
};

}  // namespace osprey
