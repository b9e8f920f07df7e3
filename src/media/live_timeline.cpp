// SPDX-License-Identifier: Apache-2.0
#include "media/live_timeline.hpp"

#include <algorithm>

namespace osprey::media {

using namespace std::chrono_literals;

namespace {

/// A stream's timestamps may go on by so much at once: pictures that were lost, or left out.
constexpr Duration kLongestStep = 10s;
/// Pictures in a wrong order, and cameras that round. Not worth a word.
constexpr Duration kNoise = 200ms;
constexpr Duration kLongestNoise = 1s;
constexpr Duration kLeastStep = 1us;

}  // namespace

Timestamp LiveTimeline::next(Timestamp media, base::Instant now) {
  const Duration step = media - media_;
  const Duration passed = std::max<Duration>(now - time_, kLeastStep);
  const bool goes_on = connected_ && step > 0s && step <= kLongestStep;
  const bool noise = connected_ && step <= 0s && step > -kNoise && now - went_on_ < kLongestNoise;
  if (!connected_) {
    if (any_) given_ = given_ + std::max(gap_.value_or(passed), kLeastStep);
  } else if (goes_on) {
    given_ = given_ + step;
  } else if (noise) {
    given_ = given_ + kLeastStep;
  } else {
    ++jumps_;
    given_ = std::max(given_went_on_ + (now - went_on_), given_ + kLeastStep);
  }
  any_ = connected_ = true;
  time_ = now;
  // What comes behind a step back is measured from the latest, so that no time counts twice.
  if (noise) return given_;
  media_ = media;
  went_on_ = now;
  given_went_on_ = given_;
  return given_;
}

}  // namespace osprey::media
