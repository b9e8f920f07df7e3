// SPDX-License-Identifier: Apache-2.0
#include "media/source_meter.hpp"

#include <gtest/gtest.h>

namespace osprey::media {
namespace {

using namespace std::chrono_literals;
using base::Instant;

TEST(SourceMeter, rates_are_those_of_the_last_seconds) {
  SourceMeter meter;
  Duration now{0};
  for (int n = 0; n < 250; ++n) meter.packet(Instant(now += 40ms), 1000);  // 25 a second, 10 s
  EXPECT_NEAR(meter.read(Instant(now)).delivered_fps, 25, 0.01);
  for (int n = 0; n < 25; ++n) meter.packet(Instant(now += 200ms), 500);  // then 5
  const SourceReading reading = meter.read(Instant(now));
  EXPECT_NEAR(reading.delivered_fps, 5, 0.3);
  EXPECT_NEAR(reading.bytes_per_second, 2500, 200);
  EXPECT_EQ(reading.packets, 275U);
}

TEST(SourceMeter, a_rate_falls_when_nothing_comes) {
  SourceMeter meter;
  for (int n = 0; n < 100; ++n) meter.packet(Instant(n * 40ms), 1);
  EXPECT_NEAR(meter.read(Instant(99 * 40ms + 30ms)).delivered_fps, 25, 0.01);
  EXPECT_LT(meter.read(Instant(6s)).delivered_fps, 19);
  EXPECT_EQ(meter.read(Instant(60s)).delivered_fps, 0);
}

TEST(SourceMeter, what_has_ended_is_shown_as_it_was) {
  SourceMeter meter;
  for (int n = 0; n < 100; ++n) meter.packet(Instant(n * 40ms), 1);
  meter.set_state(SourceState::kEnded);
  EXPECT_NEAR(meter.read(Instant(60s)).delivered_fps, 25, 0.01);
}

TEST(SourceMeter, jitter_is_how_irregularly_pictures_arrive) {
  SourceMeter regular, irregular;
  for (int n = 0; n < 100; ++n) {
    regular.packet(Instant(n * 40ms), 1);
    irregular.packet(Instant(n * 40ms + (n % 2 == 0 ? 0ms : 15ms)), 1);
  }
  EXPECT_NEAR(regular.read(Instant(4s)).jitter, 0, 1e-9);
  EXPECT_NEAR(irregular.read(Instant(4s)).jitter, 0.015, 0.001);
}

TEST(SourceMeter, decode_time_is_the_mean_of_the_last_seconds) {
  SourceMeter meter;
  meter.frame(Instant(0s), 900ms, 640, 480);
  meter.frame(Instant(10s), 4ms, 1280, 720);
  meter.frame(Instant(10'040ms), 6ms, 1280, 720);
  const SourceReading reading = meter.read(Instant(10'050ms));
  EXPECT_NEAR(reading.decode_seconds, 0.005, 1e-9);
  EXPECT_NEAR(reading.decoded_fps, 25, 0.01);
  EXPECT_EQ(reading.frames, 3U);
  EXPECT_EQ(reading.width, 1280);
  EXPECT_EQ(reading.height, 720);
}

TEST(SourceMeter, a_new_connection_keeps_counts_and_forgets_rates) {
  SourceMeter meter;
  for (int n = 0; n < 10; ++n) meter.packet(Instant(n * 40ms), 1);
  meter.stalled();
  meter.connected("h264 (software)", 25);
  const SourceReading reading = meter.read(Instant(400ms));
  EXPECT_EQ(reading.delivered_fps, 0);
  EXPECT_EQ(reading.packets, 10U);
  EXPECT_EQ(reading.stalls, 1U);
  EXPECT_EQ(reading.declared_fps, 25);
  EXPECT_EQ(reading.decoder, "h264 (software)");
  EXPECT_EQ(reading.state, SourceState::kRunning);
}

TEST(SourceMeter, what_was_queued_while_connecting_is_in_no_rate) {
  SourceMeter meter;
  for (int n = 0; n < 50; ++n) {
    meter.packet(Instant(n * 1ms), 1);
    meter.frame(Instant(n * 1ms), 1ms, 640, 480);
  }
  meter.caught_up();
  for (int n = 0; n < 10; ++n) {
    meter.packet(Instant(100ms + n * 40ms), 1);
    meter.frame(Instant(100ms + n * 40ms), 1ms, 640, 480);
  }
  const SourceReading reading = meter.read(Instant(470ms));
  EXPECT_NEAR(reading.delivered_fps, 25, 0.01);
  EXPECT_NEAR(reading.decoded_fps, 25, 0.01);
  EXPECT_EQ(reading.frames, 60U);
}

TEST(SourceMeter, memory_is_bounded_however_fast_a_file_is_read) {
  SourceMeter meter;
  for (int n = 0; n < 100'000; ++n) meter.packet(Instant(n * 10us), 1);
  EXPECT_NEAR(meter.read(Instant(1s)).delivered_fps, 100'000, 1000);
}

}  // namespace
}  // namespace osprey::media
