// SPDX-License-Identifier: Apache-2.0
// Recordings of a real RTSP server's stream, which is killed and comes back.
#include <gmock/gmock.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "media/event_recorder.hpp"
#include "media/live_source.hpp"
#include "media/peer_testing.hpp"
#include "media/test_pictures.hpp"

namespace osprey::media {
namespace {

using namespace std::chrono_literals;
using namespace testing_support;
using ::testing::SizeIs;

std::string camera_command(const std::string& video, const std::string& port) {
  return "/usr/bin/python3 " OSPREY_TESTS_DIR "/cli/rtsp_server.py " + video + " " + port;
}

/// The numbers of all pictures of a recording, which has no damage.
std::vector<unsigned> recorded_numbers(const std::string& path) {
  std::vector<unsigned> numbers;
  auto source = Source::open(path, 0, {});
  if (!source.ok()) {
    ADD_FAILURE() << source.error().message;
    return numbers;
  }
  for (auto frame = (*source)->read(); frame.ok() && *frame; frame = (*source)->read()) {
    numbers.push_back(number_in((*frame)->image));
  }
  EXPECT_EQ((*source)->health().damaged, 0U) << (*source)->health().first_damage;
  return numbers;
}

void expect_no_gap(const std::vector<unsigned>& numbers) {
  for (std::size_t n = 1; n < numbers.size(); ++n) EXPECT_EQ(numbers[n], numbers[n - 1] + 1);
}

TEST(CameraRecording, an_event_over_a_cameras_restart_is_two_files_of_all_that_came) {
  const TemporaryFolder folder;
  VideoSpec spec{.options = "preset=ultrafast,tune=zerolatency,qp=14,g=10", .count = 250};
  for (unsigned n = 0; n < spec.count; ++n) {
    spec.milliseconds.push_back(static_cast<int>(n) * 20);
  }
  if (!make_video(folder / "v.mp4", spec)) GTEST_SKIP() << "this FFmpeg has no libx264";
  base::RealClock clock;
  EventRecorderOptions options;
  options.folder = folder / "recordings";
  options.camera = "yard";
  options.pre_roll = 500ms;
  options.post_roll = 300ms;
  auto recorder = EventRecorder::create(options, clock);
  ASSERT_TRUE(recorder.ok());

  const std::string port = std::to_string(free_port());
  Peer camera(camera_command(folder / "v.mp4", port));
  const std::string address = camera.address();
  LiveSourceOptions live;
  live.source.tap = *recorder;
  live.first_pause = 50ms;
  live.longest_pause_after_loss = 100ms;
  auto source = LiveSource::create(address, 0, live, clock);
  ASSERT_TRUE(source.ok());
  std::atomic<unsigned> frames = 0, newest = 0;
  std::thread reader([&] {
    for (auto frame = (*source)->read(); frame.ok() && *frame; frame = (*source)->read()) {
      newest = number_in((*frame)->image);
      ++frames;
    }
  });
  EXPECT_TRUE(eventually([&] { return frames >= 45; }));
  (*recorder)->begin("person");
  const unsigned begun_at = newest;
  EXPECT_TRUE(eventually([&] { return frames >= 65; }));
  camera.kill();
  EXPECT_TRUE(eventually([&] { return (*source)->meter().state != SourceState::kRunning; }));
  newest = 0;
  const Peer again(camera_command(folder / "v.mp4", port));
  EXPECT_EQ(again.address(), address);
  EXPECT_TRUE(eventually([&] { return newest > 20; }));
  const unsigned ended_at = newest;
  (*recorder)->end("person");
  EXPECT_TRUE(eventually([&] { return (*recorder)->stats().files == 2; }));
  (*source)->cancel();
  reader.join();

  auto recordings = list_recordings(options.folder);
  ASSERT_TRUE(recordings.ok());
  ASSERT_THAT(*recordings, SizeIs(2)) << (*recorder)->stats().problem;
  const auto first = recorded_numbers(options.folder + "/" + (*recordings)[1].name);
  const auto second = recorded_numbers(options.folder + "/" + (*recordings)[0].name);
  expect_no_gap(first);
  expect_no_gap(second);
  ASSERT_FALSE(first.empty() || second.empty());
  EXPECT_EQ(first.front() % 10, 0U) << "a key frame";
  EXPECT_LE(first.front(), begun_at - 25) << "half a second before";
  EXPECT_GE(first.back(), 60U);
  EXPECT_EQ(second.front(), 0U);
  EXPECT_GE(second.back(), ended_at + 14) << "0.3 s behind";
}

}  // namespace
}  // namespace osprey::media
