// SPDX-License-Identifier: Apache-2.0
#include "media/live_timeline.hpp"

#include <gtest/gtest.h>

#include <random>

namespace osprey::media {
namespace {

using namespace std::chrono_literals;
using base::Instant;

Duration given(LiveTimeline& timeline, Duration media, Duration now) {
  return timeline.next({media}, Instant(now)).since_origin;
}

TEST(LiveTimeline, begins_at_zero_and_goes_on_as_the_stream_does) {
  LiveTimeline timeline;
  EXPECT_EQ(given(timeline, 7s, 100s), 0s);
  EXPECT_EQ(given(timeline, 7s + 40ms, 100s + 55ms), 40ms);
  EXPECT_EQ(given(timeline, 7s + 80ms, 100s + 76ms), 80ms);
  EXPECT_EQ(timeline.jumps(), 0U);
}

TEST(LiveTimeline, a_new_connection_goes_on_by_the_time_that_passed) {
  LiveTimeline timeline;
  given(timeline, 0s, 0s);
  given(timeline, 1s, 1s);
  timeline.restart();
  EXPECT_EQ(given(timeline, 500s, 8s), 8s);
  EXPECT_EQ(given(timeline, 501s, 9s), 9s);
  EXPECT_EQ(timeline.jumps(), 0U);
}

TEST(LiveTimeline, a_film_that_begins_anew_goes_on_by_a_picture) {
  LiveTimeline timeline;
  given(timeline, 0s, 0s);
  given(timeline, 40ms, 40ms);
  timeline.restart(40ms);
  EXPECT_EQ(given(timeline, 0s, 41ms), 80ms);
}

TEST(LiveTimeline, a_clock_that_stands_still_does_not_stop_time) {
  LiveTimeline timeline;
  Duration last{0};
  for (int n = 0; n < 100; ++n) last = given(timeline, 5s, n * 40ms);
  EXPECT_NEAR(std::chrono::duration<double>(last).count(), 0.04 * 99, 1.1);
  EXPECT_EQ(timeline.jumps(), 3U);  // one a second
}

TEST(LiveTimeline, a_jump_is_counted_and_the_machines_time_taken) {
  LiveTimeline timeline;
  given(timeline, 10s, 0s);
  EXPECT_EQ(given(timeline, 2s, 40ms), 40ms);         // a clock that was set back
  EXPECT_EQ(given(timeline, 2s + 40ms, 80ms), 80ms);  // goes on from there
  EXPECT_EQ(given(timeline, 26h, 120ms), 120ms);      // and forwards
  EXPECT_EQ(given(timeline, 26h + 40ms, 160ms), 160ms);
  EXPECT_EQ(given(timeline, 26h - 95443s, 200ms), 200ms);  // 33 bits of 90 kHz
  EXPECT_EQ(timeline.jumps(), 3U);
}

TEST(LiveTimeline, pictures_of_one_time_or_slightly_out_of_order_rise_without_a_jump) {
  LiveTimeline timeline;
  given(timeline, 0s, 0s);
  given(timeline, 80ms, 80ms);
  EXPECT_EQ(given(timeline, 80ms, 90ms), 80ms + 1us);
  EXPECT_EQ(given(timeline, 40ms, 120ms), 80ms + 2us);
  EXPECT_EQ(given(timeline, 120ms, 160ms), 120ms + 2us);
  EXPECT_EQ(timeline.jumps(), 0U);
}

TEST(LiveTimeline, whatever_comes_rises_and_stays_near_the_machines_time) {
  std::mt19937_64 random(7);
  LiveTimeline timeline;
  Duration now{0}, last{-1};
  for (int n = 0; n < 10'000; ++n) {
    now += 1ms;
    // Steps that look sane add up to at most what they say: draw those that do not.
    const auto media = Duration(static_cast<std::int64_t>(random()));
    const Duration next = given(timeline, media / 4, now);
    ASSERT_GT(next, last);
    last = next;
  }
  EXPECT_LT(last, 10s + 100ms);
}

}  // namespace
}  // namespace osprey::media
