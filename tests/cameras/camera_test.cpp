// SPDX-License-Identifier: Apache-2.0
// Cameras of all kinds that stay.
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "base/file_testing.hpp"
#include "media/peer_testing.hpp"
#include "tests/cameras/camera_testing.hpp"
#include "tests/cameras/watched_source.hpp"

namespace osprey::media {
namespace {

using namespace std::chrono_literals;
using namespace testing_support;

class Cameras : public ::testing::Test {
 protected:
  void SetUp() override {
    run("-f lavfi -i testsrc=size=160x120:rate=25 -t 20 -c:v libx264 -preset ultrafast -bf 0 -g "
        "12 " +
        clip_);
  }

  static void run(const std::string& arguments) {
    Program program(ffmpeg(arguments));
    ASSERT_EQ(program.wait(), 0) << arguments;
  }

  const base::TemporaryFolder folder_;
  /// Twenty seconds of H.264.
  const std::string clip_ = folder_ / "clip.mp4";
};

/// Pictures come and are decoded at that rate, and evenly, as soon as what else the machine did is
/// out of the meter's window. While the stream runs: one that has ended slows through all rates.
void expect_rate(const WatchedSource& source, double rate) {
  SourceReading reading;
  const auto is_near = [&](double measured) { return std::abs(measured - rate) < rate * 0.15; };
  const auto as_expected = [&] {
    reading = source.meter();
    return reading.state == SourceState::kRunning && is_near(reading.delivered_fps) &&
           is_near(reading.decoded_fps) && reading.jitter < 0.06;
  };
  EXPECT_TRUE(eventually(as_expected, 30s))
      << reading.delivered_fps << " and " << reading.decoded_fps << " a second, not evenly by "
      << reading.jitter << " s, " << to_string(reading.state);
}

/// How much longer it took than the timestamps say, from frame to frame, at most.
double drift(const std::vector<WatchedSource::Seen>& seen) {
  double worst = 0;
  for (const auto& frame : seen) {
    const double media = (frame.timestamp - seen.front().timestamp).count() / 1e9;
    const double time = (frame.time - seen.front().time).count() / 1e9;
    worst = std::max(worst, time - media);
  }
  return worst;
}

TEST_F(Cameras, a_camera_that_delivers_less_than_it_says_is_found_out) {
  // The bytes say 25 a second, but they come at 8.
  run("-i " + clip_ + " -c copy -bsf:v h264_mp4toannexb -f h264 " + (folder_ / "a.h264"));
  run("-r 8 -i " + (folder_ / "a.h264 ") + "-c copy " + (folder_ / "slow.mp4"));
  Program camera({"/usr/bin/python3", RTSP_SERVER, folder_ / "slow.mp4"});
  WatchedSource source(camera.line());
  ASSERT_TRUE(eventually([&] { return source.frames() >= 20; })) << source.meter().problem;
  expect_rate(source, 8);
  const SourceReading reading = source.meter();
  EXPECT_EQ(reading.decoder, "h264 (software)");
  EXPECT_NEAR(reading.declared_fps, 25, 0.1);
  EXPECT_GT(reading.decode_seconds, 0);
  EXPECT_GT(reading.bytes_per_second, 100);
  EXPECT_EQ(reading.width, 160);
  EXPECT_EQ(reading.skipped, 0U);
  EXPECT_EQ(reading.problem, "");
}

TEST_F(Cameras, who_does_not_keep_up_leaves_out_pictures_and_is_never_late_for_long) {
  Program camera({"/usr/bin/python3", RTSP_SERVER, clip_});
  LiveSourceOptions options;
  options.source.max_age = 300ms;
  WatchedSource source(camera.line(), options, 60ms);  // 16 a second at best
  ASSERT_TRUE(eventually([&] { return source.frames() >= 70; })) << source.meter().problem;
  EXPECT_GT(source.meter().skipped, 12U);
  // Half a second between key frames on top, and what the camera itself kept.
  EXPECT_LT(drift(source.seen()), 1.2);
  EXPECT_TRUE(source.in_order());
}

TEST_F(Cameras, mpeg_ts_over_http_whose_clock_wraps) {
  // 33 bits of 90 kHz are 95443.7 s.
  const std::string url = "http://127.0.0.1:" + std::to_string(free_port()) + "/a.ts";
  Program camera(
      ffmpeg("-re -i " + clip_ + " -c copy -f mpegts -output_ts_offset 95443 -listen 1 " + url));
  LiveSourceOptions options;
  options.source.max_age = 0s;  // it counts pictures: none is to be left out
  WatchedSource source(url, options);
  ASSERT_TRUE(eventually([&] { return source.frames() >= 50; })) << source.meter().problem;
  const auto seen = source.seen();
  EXPECT_NEAR((seen[49].timestamp - seen[0].timestamp).count() / 1e9, 49 / 25.0, 0.05);
  EXPECT_EQ(source.meter().clock_jumps, 0U);
  EXPECT_TRUE(source.in_order());
}

TEST_F(Cameras, rtmp) {
  const std::string url = "rtmp://127.0.0.1:" + std::to_string(free_port()) + "/live/a";
  Program camera(ffmpeg("-re -i " + clip_ + " -c copy -f flv -listen 1 " + url));
  WatchedSource source(url);
  ASSERT_TRUE(eventually([&] { return source.frames() >= 50; })) << source.meter().problem;
  expect_rate(source, 25);
  EXPECT_TRUE(source.in_order());
}

TEST_F(Cameras, motion_jpeg_over_http_has_the_times_of_its_arrival) {
  run("-i " + clip_ + " -frames:v 10 " + (folder_ / "%d.jpg"));
  Program camera({"/usr/bin/python3", HTTP_CAMERA, folder_.path(), "10"});
  WatchedSource source(camera.line() + "/camera");
  ASSERT_TRUE(eventually([&] { return source.frames() >= 25; })) << source.meter().problem;
  expect_rate(source, 10);
  EXPECT_EQ(source.meter().declared_fps, 0) << "it says nothing of a rate";
  const auto seen = source.seen();
  EXPECT_NEAR((seen[24].timestamp - seen[4].timestamp).count() / 1e9, 2, 0.2);
}

TEST_F(Cameras, hls_is_played_at_its_own_pace) {
  Program camera(ffmpeg("-stream_loop -1 -re -i " + clip_ +
                        " -c copy -f hls -hls_time 0.5 -hls_list_size 6 -hls_flags delete_segments "
                        "-hls_segment_filename " +
                        (folder_ / "%d.ts ") + (folder_ / "live.m3u8")));
  Program server({"/usr/bin/python3", HTTP_CAMERA, folder_.path(), "1"});
  const std::string url = server.line() + "/live.m3u8";
  WatchedSource source(url);
  ASSERT_TRUE(eventually([&] { return source.frames() >= 50; })) << source.meter().problem;
  EXPECT_TRUE(source.info().bursts);
  const auto seen = source.seen();
  const double media = (seen[49].timestamp - seen[0].timestamp).count() / 1e9;
  const double time = (seen[49].time - seen[0].time).count() / 1e9;
  EXPECT_NEAR(media, 49 / 25.0, 0.1);
  EXPECT_NEAR(time, media, 0.7);
  EXPECT_TRUE(source.in_order());
}

TEST_F(Cameras, a_file_of_a_web_server_is_no_camera) {
  run("-i " + clip_ + " -frames:v 30 -c:v libx264 " + (folder_ / "clip.ts"));
  Program server({"/usr/bin/python3", HTTP_CAMERA, folder_.path(), "1"});
  WatchedSource source(server.line() + "/clip.ts");
  ASSERT_TRUE(eventually([&] { return source.ended(); }));
  EXPECT_EQ(source.frames(), 30U);
  EXPECT_EQ(source.meter().state, SourceState::kEnded);
}

TEST_F(Cameras, a_looped_file_is_a_camera_for_trials) {
  run("-i " + clip_ + " -frames:v 10 " + (folder_ / "short.mp4"));
  LiveSourceOptions options;
  options.loop = true;
  WatchedSource source(folder_ / "short.mp4", options);
  ASSERT_TRUE(eventually([&] { return source.frames() >= 40; })) << source.meter().problem;
  const auto seen = source.seen();
  EXPECT_NEAR((seen[39].timestamp - seen[0].timestamp).count() / 1e9, 39 / 25.0, 0.001);
  EXPECT_NEAR((seen[39].time - seen[0].time).count() / 1e9, 39 / 25.0, 0.2);
  EXPECT_TRUE(source.in_order());
}

TEST_F(Cameras, a_name_and_password_appear_nowhere) {
  const int port = free_port();
  const std::string place = "127.0.0.1:" + std::to_string(port) + "/x";
  WatchedSource source("rtsp://admin:hunter2@" + place + "?token=hunter2");
  ASSERT_TRUE(eventually([&] { return source.meter().state == SourceState::kWaiting; }));
  EXPECT_EQ(source.meter().problem, "rtsp://" + place + "?token=***: Connection refused");
  EXPECT_EQ(source.info().uri, "rtsp://" + place + "?token=***");
}

}  // namespace
}  // namespace osprey::media
