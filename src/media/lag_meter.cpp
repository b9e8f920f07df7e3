// SPDX-License-Identifier: Apache-2.0
#include "media/lag_meter.hpp"

#include <algorithm>

namespace osprey::media {

using namespace std::chrono_literals;

namespace {

/// Timestamps that go on by more have jumped.
constexpr Duration kLongestStep = 10s;
/// B frames' go back by less, in the order of packets.
constexpr Duration kLongestStepBack = 2s;
constexpr Duration kDefaultInterval = 40ms;

}  // namespace

Duration LagMeter::update(base::Instant now, Duration media, Duration waited) {
  const Duration offset = now.time_since_epoch() - media;
  if (!last_) {
    last_ = Point{now, media};
    offset_ = offset;
    interval_ = kDefaultInterval;
    return {};
  }
  const Duration step = media - last_->media;
  last_ = Point{now, media};
  if (step > kLongestStep || step < -kLongestStepBack) {
    offset_ = offset;
    return {};
  }
  if (step > 0s) interval_ += (step - interval_) / 16;
  // A third of the time between two pictures: less may be the network handing over what it has.
  if (waited * 3 >= interval_) {
    offset_ = offset;
    return {};
  }
  offset_ = std::min(offset_, offset);
  return offset - offset_;
}

}  // namespace osprey::media
