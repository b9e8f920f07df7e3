// SPDX-License-Identifier: Apache-2.0
#include "media/media_clock.hpp"

extern "C" {
#include <libavutil/common.h>
#include <libavutil/mathematics.h>
}

namespace osprey::media {
namespace {

constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;

}  // namespace

MediaClock::MediaClock(Ratio tick, Ratio frame_rate) : tick_(tick), frame_rate_(frame_rate) {
  if (frame_rate_.numerator <= 0 || frame_rate_.denominator <= 0) frame_rate_ = {25, 1};
}

std::int64_t MediaClock::expected_nanoseconds() const {
  // A multiple of the period each time: adding up rounded periods would drift.
  return av_sat_add64(
      anchor_nanoseconds_,
      av_rescale(frames_after_anchor_, kNanosecondsPerSecond * frame_rate_.denominator,
                 frame_rate_.numerator));
}

Timestamp MediaClock::next(std::optional<std::int64_t> ticks) {
  const std::int64_t expected = expected_nanoseconds();
  if (!ticks) {
    ++frames_after_anchor_;
    return {Duration(expected)};
  }
  const std::int64_t ns_per_tick_numerator = kNanosecondsPerSecond * tick_.numerator;
  if (!origin_) {
    origin_ = av_sat_sub64(*ticks, av_rescale(expected, tick_.denominator, ns_per_tick_numerator));
  }
  anchor_nanoseconds_ =
      av_rescale(av_sat_sub64(*ticks, *origin_), ns_per_tick_numerator, tick_.denominator);
  frames_after_anchor_ = 1;
  return {Duration(anchor_nanoseconds_)};
}

}  // namespace osprey::media
