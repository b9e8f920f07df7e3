// SPDX-License-Identifier: Apache-2.0
#include "media/lag_meter.hpp"

#include <gtest/gtest.h>

namespace osprey::media {
namespace {

using namespace std::chrono_literals;
using base::Instant;

TEST(LagMeter, who_reads_later_and_later_without_waiting_falls_behind) {
  LagMeter meter;
  Duration lag{0};
  for (int n = 0; n < 100; ++n) lag = meter.update(Instant(n * 50ms), n * 40ms, 0ms);
  EXPECT_EQ(lag, 99 * 10ms);
  EXPECT_EQ(meter.update(Instant(99 * 50ms + 1ms), 100 * 40ms, 0ms), 99 * 10ms - 39ms);
}

TEST(LagMeter, who_had_to_wait_is_not_late) {
  LagMeter meter;
  for (int n = 0; n < 1000; ++n) {  // a camera whose clock runs at half the speed
    EXPECT_EQ(meter.update(Instant(n * 80ms), n * 40ms, 70ms), 0ms);
  }
}

TEST(LagMeter, a_short_wait_for_the_rest_of_what_is_there_is_none) {
  LagMeter meter;
  Duration lag{0};
  for (int n = 0; n < 100; ++n) lag = meter.update(Instant(n * 50ms), n * 40ms, 2ms);
  EXPECT_EQ(lag, 99 * 10ms);
}

TEST(LagMeter, pictures_queued_while_connecting_are_late_until_they_are_read) {
  LagMeter meter;
  // 20 pictures, 40 ms apart, of which the last came in just now: read at once.
  Duration first_lag{-1};
  for (int n = 0; n < 20; ++n) {
    const Duration lag = meter.update(Instant(1s + n * 1ms), n * 40ms, 0ms);
    if (n == 0) first_lag = lag;
    EXPECT_LE(lag, 0ms);
  }
  EXPECT_EQ(first_lag, 0ms);
  EXPECT_EQ(meter.update(Instant(1s + 100ms), 20 * 40ms, 0ms), 41ms);
}

TEST(LagMeter, a_jump_of_timestamps_is_no_lag) {
  LagMeter meter;
  meter.update(Instant(0s), 100s, 0ms);
  EXPECT_EQ(meter.update(Instant(1s), 3s, 0ms), 0s);     // backwards
  EXPECT_EQ(meter.update(Instant(2s), 3600s, 0ms), 0s);  // and forwards
  EXPECT_EQ(meter.update(Instant(4s), 3601s, 0ms), 1s);
}

}  // namespace
}  // namespace osprey::media
