// SPDX-License-Identifier: Apache-2.0
// Cameras that are killed, stopped and started again.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <string>

#include "base/file_testing.hpp"
#include "media/peer_testing.hpp"
#include "tests/cameras/camera_testing.hpp"
#include "tests/cameras/watched_source.hpp"

namespace osprey::media {
namespace {

using namespace std::chrono_literals;
using namespace testing_support;

/// More where there is time: see CMakeLists.txt.
int restarts() {
  const char* const wanted = std::getenv("OSPREY_RESTARTS");
  return wanted ? std::atoi(wanted) : 3;
}

class Restarts : public ::testing::Test {
 protected:
  void SetUp() override {
    Program encoder(
        ffmpeg("-f lavfi -i testsrc=size=160x120:rate=25 -t 20 -c:v libx264 -preset "
               "ultrafast -g 25 -bf 0 " +
               (folder_ / "clip.mp4")));
    ASSERT_EQ(encoder.wait(), 0);
    port_ = std::to_string(free_port());
  }

  std::unique_ptr<Program> start_camera() {
    auto camera = std::make_unique<Program>(
        std::vector<std::string>{"/usr/bin/python3", RTSP_SERVER, folder_ / "clip.mp4", port_});
    EXPECT_EQ(camera->line(), url());
    return camera;
  }

  std::string url() const { return "rtsp://127.0.0.1:" + port_ + "/camera"; }

  /// Kills the camera `times` times; each time the source has to be back soon.
  void kill_again_and_again(const std::string& transport, int times) {
    LiveSourceOptions options;
    options.source.transport = transport;
    auto camera = start_camera();
    WatchedSource source(url(), options);
    ASSERT_TRUE(eventually([&] { return source.frames() >= 5; })) << source.meter().problem;
    std::size_t threads_before = 0, descriptors_before = 0;
    double memory_before = 0;
    for (int n = 0; n < times; ++n) {
      camera->kill();
      ASSERT_TRUE(eventually([&] { return source.meter().state != SourceState::kRunning; }));
      camera = start_camera();
      const auto frames = source.frames();
      EXPECT_TRUE(eventually([&] { return source.frames() >= frames + 3; }, 3s))
          << "restart " << n << ": " << to_string(source.meter().state) << " "
          << source.meter().problem;
      if (n == std::min(2, times - 2)) {  // what is loaded once is there
        threads_before = threads();
        descriptors_before = descriptors();
        memory_before = resident_memory();
      }
    }
    EXPECT_EQ(threads(), threads_before);
    EXPECT_LE(descriptors(), descriptors_before + 2);
    EXPECT_LT(resident_memory(), memory_before + 8);
    EXPECT_EQ(source.meter().reconnects, static_cast<unsigned>(times));
    EXPECT_EQ(source.meter().stalls, 0U);
    source.stop();
    EXPECT_TRUE(source.in_order());
  }

  const base::TemporaryFolder folder_;
  std::string port_;
};

TEST_F(Restarts, over_tcp_it_is_back_within_three_seconds_of_each_and_nothing_grows) {
  kill_again_and_again("tcp", restarts());
}

TEST_F(Restarts, over_udp_too) {
  kill_again_and_again("udp", restarts());
}

TEST_F(Restarts, a_camera_that_is_silent_is_given_up_and_found_again) {
  LiveSourceOptions options;
  options.stall = 3s;
  options.connect_timeout = 4s;
  auto camera = start_camera();
  WatchedSource source(url(), options);
  ASSERT_TRUE(eventually([&] { return source.frames() >= 5; })) << source.meter().problem;
  camera->signal(SIGSTOP);
  const auto is_told = [&](const std::string& what) {
    return eventually([&] { return source.meter().problem == url() + what; });
  };
  ASSERT_TRUE(is_told(": no answer for 3000 ms")) << source.meter().problem;
  EXPECT_TRUE(eventually([&] { return source.meter().stalls == 1; }));
  // It can be connected to, but never answers.
  ASSERT_TRUE(is_told(": no answer for 4000 ms")) << source.meter().problem;
  EXPECT_NE(source.meter().state, SourceState::kRunning);
  const auto frames = source.frames();
  camera->signal(SIGCONT);
  EXPECT_TRUE(eventually([&] { return source.frames() >= frames + 5; })) << source.meter().problem;
  EXPECT_EQ(source.meter().reconnects, 1U);
}

TEST_F(Restarts, a_camera_that_is_not_there_yet_is_waited_for) {
  WatchedSource source(url());
  ASSERT_TRUE(eventually([&] { return source.meter().state == SourceState::kWaiting; }));
  EXPECT_EQ(source.meter().problem, url() + ": Connection refused");
  EXPECT_EQ(source.info().width, 0);
  const auto camera = start_camera();
  ASSERT_TRUE(eventually([&] { return source.frames() > 0; })) << source.meter().problem;
  EXPECT_EQ(source.info().width, 160);
  EXPECT_EQ(source.meter().reconnects, 0U);
}

TEST_F(Restarts, cancelling_ends_a_connection_that_nobody_answers_at_once) {
  const auto camera = start_camera();
  camera->signal(SIGSTOP);
  WatchedSource source(url());
  ASSERT_TRUE(eventually([&] { return source.meter().state == SourceState::kConnecting; }));
  const auto begin = std::chrono::steady_clock::now();
  source.stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 500ms);
  EXPECT_EQ(source.frames(), 0U);
}

}  // namespace
}  // namespace osprey::media
