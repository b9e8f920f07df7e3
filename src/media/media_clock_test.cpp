// SPDX-License-Identifier: Apache-2.0
#include "media/media_clock.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace osprey::media {
namespace {

using namespace std::chrono_literals;

constexpr Ratio kMpegTick{1, 90'000};

TEST(MediaClock, counts_from_the_first_frame) {
  MediaClock clock(kMpegTick, {25, 1});
  EXPECT_EQ(clock.next(126'000).since_origin, 0ns);
  EXPECT_EQ(clock.next(129'600).since_origin, 40ms);
  EXPECT_EQ(clock.next(216'000).since_origin, 1s);
}

TEST(MediaClock, counts_from_an_origin_that_was_given) {
  MediaClock clock(kMpegTick, {25, 1});
  clock.set_origin(90'000);
  EXPECT_EQ(clock.next(180'000).since_origin, 1s);
}

TEST(MediaClock, a_missing_timestamp_is_one_period_after_the_last_frame) {
  MediaClock clock(kMpegTick, {10, 1});
  clock.next(0);
  clock.next(4'500);
  EXPECT_EQ(clock.next(std::nullopt).since_origin, 150ms);
  EXPECT_EQ(clock.next(std::nullopt).since_origin, 250ms);
  EXPECT_EQ(clock.next(90'000).since_origin, 1s);
}

TEST(MediaClock, made_up_timestamps_do_not_drift) {
  MediaClock clock({1, 1}, {30'000, 1001});
  Timestamp last;
  for (int n = 0; n <= 30'000; ++n) last = clock.next(std::nullopt);
  EXPECT_EQ(last.since_origin, 1001s);
}

TEST(MediaClock, the_first_timestamp_after_missing_ones_goes_on_from_them) {
  MediaClock clock(kMpegTick, {10, 1});
  EXPECT_EQ(clock.next(std::nullopt).since_origin, 0ns);
  EXPECT_EQ(clock.next(std::nullopt).since_origin, 100ms);
  EXPECT_EQ(clock.next(900'000).since_origin, 200ms);
  EXPECT_EQ(clock.next(990'000).since_origin, 1200ms);
}

TEST(MediaClock, an_unknown_rate_counts_as_25) {
  MediaClock clock(kMpegTick, {0, 1});
  clock.next(std::nullopt);
  EXPECT_EQ(clock.next(std::nullopt).since_origin, 40ms);
}

TEST(MediaClock, absurd_timestamps_saturate) {
  MediaClock clock({1, 1}, {1, std::numeric_limits<int>::max()});
  clock.next(std::numeric_limits<std::int64_t>::min() + 1);
  clock.next(std::numeric_limits<std::int64_t>::max());
  clock.next(std::nullopt);
  clock.next(std::nullopt);
  SUCCEED() << "no overflow that a sanitizer would see";
}

}  // namespace
}  // namespace osprey::media
