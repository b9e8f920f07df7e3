// SPDX-License-Identifier: Apache-2.0
// Streams to a real RTSP server (GStreamer's) and to folders that the ffmpeg program reads by HTTP.
#include "media/live_output.hpp"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "media/peer_testing.hpp"
#include "media/source.hpp"
#include "media/test_pictures.hpp"

namespace osprey::media {
namespace {

using namespace std::chrono_literals;
using namespace testing_support;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

std::string receiver_command(const TemporaryFolder& folder, const std::string& port = "") {
  // The system's Python has the bindings of the system's GStreamer.
  return "/usr/bin/python3 " OSPREY_TESTS_DIR "/support/rtsp_receiver.py " +
         folder.path().string() + " " + port;
}

/// The numbers of the pictures that are in a file by now; none if it cannot be read yet.
std::vector<unsigned> numbers_so_far(const std::string& path) {
  std::vector<unsigned> numbers;
  auto source = Source::open(path, 0, {});
  if (!source.ok()) return numbers;
  for (auto frame = (*source)->read(); frame.ok() && *frame; frame = (*source)->read()) {
    numbers.push_back(number_in((*frame)->image));
  }
  return numbers;
}

std::vector<unsigned> from_to(unsigned begin, unsigned end) {
  std::vector<unsigned> numbers;
  for (unsigned n = begin; n < end; ++n) numbers.push_back(n);
  return numbers;
}

void expect_all_counted(const LiveOutputStats& stats) {
  EXPECT_EQ(stats.pictures, stats.written + stats.too_slow + stats.away + stats.left_out);
}

class LiveOutputTest : public ::testing::Test {
 protected:
  std::unique_ptr<LiveOutput> create() {
    options_.name = "yard";
    auto output = LiveOutput::create(options_, clock_);
    if (output.ok()) return *std::move(output);
    ADD_FAILURE() << output.error().message;
    return nullptr;
  }

  /// Numbered pictures, 40 ms apart; each waits until the one before is gone, so that none is
  /// dropped.
  void send(LiveOutput& output, unsigned begin, unsigned end, int width = 128) {
    for (unsigned n = begin; n < end; ++n) {
      output.write(numbered_picture(width, 96, n % 256), {n * 40ms});
      EXPECT_TRUE(eventually([&] {
        const LiveOutputStats stats = output.stats();
        return stats.pictures == stats.written + stats.too_slow + stats.away + stats.left_out;
      }));
    }
  }

  std::string playlist() const { return base::read_text(options_.hls_folder / kHlsPlaylist); }

  std::size_t segments_on_disk() const {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(options_.hls_folder)) {
      if (entry.path().extension() == ".ts") ++count;
    }
    return count;
  }

  TemporaryFolder folder_;
  base::RealClock clock_;
  LiveOutputOptions options_;
};

// --- RTSP

TEST_F(LiveOutputTest, an_rtsp_server_gets_every_picture_in_order) {
  const Peer receiver(receiver_command(folder_));
  options_.rtsp_url = receiver.address();
  options_.timeout = 30s;  // a server that is slow is not gone
  const auto output = create();
  send(*output, 0, 60);
  EXPECT_TRUE(output->stats().connected) << output->stats().problem;
  EXPECT_EQ(output->stats().encoder, "libx264");
  // A picture in MPEG-TS ends where the next one begins.
  const std::string received = folder_ / "received-0.ts";
  EXPECT_TRUE(eventually([&] { return numbers_so_far(received).size() >= 59; }));
  output->finish();
  EXPECT_FALSE(output->stats().connected);
  const auto numbers = numbers_so_far(received);
  EXPECT_EQ(numbers, from_to(0, static_cast<unsigned>(numbers.size())));
  expect_all_counted(output->stats());
  EXPECT_EQ(output->stats().written, 60U);
}

TEST_F(LiveOutputTest, a_server_that_is_killed_and_comes_back_is_sent_to_again_from_a_key_frame) {
  const std::string port = std::to_string(free_port());
  Peer first(receiver_command(folder_, port));
  options_.rtsp_url = first.address();
  options_.timeout = 30s;  // a server that is slow is not gone
  options_.first_pause = 20ms;
  options_.segment = 30s;  // no key frames but for the reason looked at
  const auto output = create();
  send(*output, 0, 10);
  EXPECT_TRUE(output->stats().connected) << output->stats().problem;
  first.kill();
  unsigned n = 10;
  EXPECT_TRUE(eventually([&] {
    send(*output, n, n + 1);
    ++n;
    return !output->stats().connected;
  }));
  EXPECT_THAT(output->stats().problem, HasSubstr(first.address()));
  const Peer second(receiver_command(folder_, port));
  ASSERT_EQ(second.address(), options_.rtsp_url);
  EXPECT_TRUE(eventually([&] {
    send(*output, n, n + 1);
    ++n;
    return output->stats().connected;
  }));
  const unsigned begin = (n - 1) % 256;
  send(*output, n, n + 10);
  const std::string received = folder_ / "received-1.ts";
  EXPECT_TRUE(eventually([&] { return numbers_so_far(received).size() >= 8; }));
  EXPECT_EQ(numbers_so_far(received).at(0), begin);
  output->finish();
  expect_all_counted(output->stats());
  EXPECT_EQ(output->stats().connections, 2U);
}

TEST_F(LiveOutputTest, pictures_of_another_size_are_a_new_stream) {
  const Peer receiver(receiver_command(folder_));
  options_.rtsp_url = receiver.address();
  options_.first_pause = 20ms;
  const auto output = create();
  send(*output, 0, 10);
  unsigned n = 10;
  EXPECT_TRUE(eventually([&] {  // the server may still be busy with the stream before
    send(*output, n, n + 1, 256);
    ++n;
    return output->stats().connections >= 2 && output->stats().connected;
  }));
  send(*output, n, n + 10, 256);
  EXPECT_TRUE(eventually([&] {
    for (const int number : {1, 2, 3}) {
      auto source = Source::open(folder_ / ("received-" + std::to_string(number) + ".ts"), 0, {});
      if (source.ok() && (*source)->info().width == 256) return true;
    }
    return false;
  }));
}

TEST_F(LiveOutputTest, a_server_that_is_not_there_costs_nothing_but_the_pictures) {
  options_.rtsp_url = "rtsp://admin:secret@127.0.0.1:1/live";
  options_.first_pause = 20ms;
  const auto output = create();
  send(*output, 0, 20);
  const LiveOutputStats stats = output->stats();
  EXPECT_FALSE(stats.connected);
  EXPECT_EQ(stats.away, 20U);
  EXPECT_EQ(stats.problem, "rtsp://127.0.0.1:1/live: Connection refused");
}

TEST_F(LiveOutputTest, a_server_that_says_nothing_holds_up_nobody) {
  const int listening = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  ASSERT_EQ(::bind(listening, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(listening, 5), 0);
  ASSERT_EQ(::getsockname(listening, reinterpret_cast<sockaddr*>(&address), &size), 0);
  options_.rtsp_url = "rtsp://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/live";
  options_.timeout = 3s;
  const auto output = create();
  const Image picture = numbered_picture(64, 48, 1);
  const auto begin = std::chrono::steady_clock::now();
  for (int n = 0; n < 100; ++n) output->write(picture, {n * 40ms});
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 250ms);
  EXPECT_TRUE(eventually([&] { return !output->stats().problem.empty(); }));
  EXPECT_THAT(output->stats().problem, EndsWith("/live: no answer for 3000 ms"));
  output->write(picture, {100 * 40ms});
  output->finish();
  expect_all_counted(output->stats());
  EXPECT_GE(output->stats().too_slow, 97U);

  options_.timeout = 60s;  // and its end is not waited for
  const auto patient = create();
  patient->write(picture, {0ms});
  std::this_thread::sleep_for(50ms);
  const auto end = std::chrono::steady_clock::now();
  patient->finish();
  EXPECT_LT(std::chrono::steady_clock::now() - end, 3s);
  ::close(listening);
}

// --- HLS

TEST_F(LiveOutputTest, a_player_reads_the_playlist_while_it_is_written) {
  options_.hls_folder = folder_ / "hls";
  options_.segment = 400ms;
  options_.segments = 30;  // a player that is slow still finds what it was told of
  options_.queue = 1000;   // none is to be dropped
  const auto output = create();
  send(*output, 0, 25);
  const Peer server(
      "/usr/bin/python3 -c 'import functools, http.server\n"
      "class Quiet(http.server.SimpleHTTPRequestHandler):\n"
      "    def log_message(self, *message): pass\n"
      "server = http.server.ThreadingHTTPServer((\"127.0.0.1\", 0), functools.partial(Quiet, "
      "directory=\"" +
      options_.hls_folder.string() +
      "\"))\n"
      "print(\"http://127.0.0.1:%d/\" % server.server_port, flush=True)\n"
      "server.serve_forever()'");
  std::atomic<bool> stop = false;
  std::thread camera([&] {
    for (unsigned n = 25; !stop; ++n) {
      output->write(numbered_picture(128, 96, n % 256), {n * 40ms});
      std::this_thread::sleep_for(20ms);
    }
  });
  const std::string seen = folder_ / "seen.mkv";
  const int code = std::system(("timeout 60 ffmpeg -nostdin -v error -i " + server.address() +
                                kHlsPlaylist + " -frames:v 50 -c copy " + seen)
                                   .c_str());
  stop = true;
  camera.join();
  EXPECT_EQ(code, 0);
  const auto numbers = numbers_so_far(seen);
  ASSERT_THAT(numbers, SizeIs(50));
  for (std::size_t n = 1; n < numbers.size(); ++n) {
    EXPECT_EQ(numbers[n], (numbers[n - 1] + 1) % 256);
  }
  EXPECT_THAT(playlist(), Not(HasSubstr("#EXT-X-ENDLIST")));
  output->finish();
  EXPECT_THAT(playlist(), EndsWith("#EXT-X-ENDLIST\n"));
  EXPECT_THAT(playlist(), HasSubstr("#EXT-X-PROGRAM-DATE-TIME:"));
  EXPECT_THAT(playlist(), HasSubstr("#EXT-X-INDEPENDENT-SEGMENTS"));
  expect_all_counted(output->stats());
}

TEST_F(LiveOutputTest, segments_are_as_long_as_asked_for_whatever_the_frame_rate) {
  options_.hls_folder = folder_ / "hls";
  options_.segment = 1s;
  options_.segments = 10;
  options_.frame_rate = 5;  // which is wrong
  const auto output = create();
  send(*output, 0, 100);
  output->finish();
  std::istringstream lines(playlist());
  std::string line;
  std::vector<double> lengths;
  while (std::getline(lines, line)) {
    if (line.starts_with("#EXTINF:")) lengths.push_back(std::stod(line.substr(8)));
  }
  EXPECT_THAT(lengths, ::testing::ElementsAre(1, 1, 1, ::testing::_));
}

TEST_F(LiveOutputTest, old_segments_go_whatever_the_folder_is_called) {
  options_.hls_folder = folder_ / "tcp:a b";
  options_.segment = 200ms;
  options_.segments = 3;
  const auto output = create();
  send(*output, 0, 200);  // 40 segments
  output->finish();
  EXPECT_GE(segments_on_disk(), 3U);
  EXPECT_LE(segments_on_disk(), 9U);
}

TEST_F(LiveOutputTest, a_new_size_is_a_break_in_the_playlist_that_goes_on) {
  options_.hls_folder = folder_ / "hls";
  const auto output = create();
  send(*output, 0, 50);
  send(*output, 50, 80, 256);
  output->finish();
  EXPECT_THAT(playlist(), HasSubstr("#EXT-X-DISCONTINUITY\n"));
  std::size_t ends = 0;
  for (auto at = playlist().find("#EXT-X-ENDLIST"); at != std::string::npos;
       at = playlist().find("#EXT-X-ENDLIST", at + 1)) {
    ++ends;
  }
  EXPECT_EQ(ends, 1U);
  EXPECT_EQ(output->stats().written, 80U);
  EXPECT_EQ(segments_on_disk(), 4U) << playlist();
}

TEST_F(LiveOutputTest, what_a_killed_run_left_goes_at_the_next_start) {
  options_.hls_folder = folder_ / "hls";
  std::filesystem::create_directory(options_.hls_folder);
  for (const std::string name : {"live.m3u8", "live.m3u8.tmp", "segment-7.ts", "segment-8.ts.tmp",
                                 "holiday.ts", "segment-x.ts"}) {
    base::write_text(options_.hls_folder / name, "x");
  }
  const auto output = create();
  std::vector<std::string> left;
  for (const auto& entry : std::filesystem::directory_iterator(options_.hls_folder)) {
    left.push_back(entry.path().filename());
  }
  EXPECT_THAT(left, ::testing::UnorderedElementsAre("holiday.ts", "segment-x.ts"));
}

TEST_F(LiveOutputTest, a_full_disk_is_told_and_tried_again) {
  options_.hls_folder = folder_ / "hls";
  options_.first_pause = 1ms;
  options_.segment = 200ms;
  const auto output = create();
  unsigned n = 0;
  {
    const base::FileSizeLimit limit(600);
    EXPECT_TRUE(eventually([&] {
      send(*output, n, n + 1);
      ++n;
      return !output->stats().problem.empty();
    }));
    EXPECT_EQ(output->stats().problem,
              "cannot write " + options_.hls_folder.string() + ": File too large");
  }
  EXPECT_TRUE(eventually([&] {
    send(*output, n, n + 1);
    ++n;
    return output->stats().connected;
  }));
  send(*output, n, n + 20);
  output->finish();
  EXPECT_EQ(output->stats().problem, "") << "all is well again";
  EXPECT_THAT(playlist(), EndsWith("#EXT-X-ENDLIST\n"));
  expect_all_counted(output->stats());
}

TEST_F(LiveOutputTest, who_gives_pictures_never_waits_and_the_newest_is_sent) {
  options_.hls_folder = folder_ / "hls";
  options_.queue = 2;
  const auto output = create();
  std::mutex mutex;
  std::condition_variable changed;
  bool busy = false, released = false;
  std::vector<unsigned> drawn;
  for (unsigned n = 0; n < 100; ++n) {
    output->write({n * 40ms}, [&, n] {
      std::unique_lock lock(mutex);
      busy = true;
      changed.notify_all();
      changed.wait(lock, [&] { return released; });
      drawn.push_back(n);
      return numbered_picture(64, 48, n);
    });
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return busy; });
  }
  EXPECT_EQ(output->stats().too_slow, 97U);
  {
    const std::lock_guard lock(mutex);
    released = true;
  }
  changed.notify_all();
  output->finish();
  EXPECT_THAT(drawn, ::testing::ElementsAre(0, 98, 99));
  EXPECT_EQ(output->stats().written, 3U);
  expect_all_counted(output->stats());
}

TEST_F(LiveOutputTest, more_frames_a_second_than_asked_for_are_left_out) {
  options_.hls_folder = folder_ / "hls";
  options_.max_frame_rate = 10;
  const auto output = create();
  send(*output, 0, 100);  // 4 s at 25 a second
  output->finish();
  EXPECT_NEAR(static_cast<double>(output->stats().written), 40, 2);
  expect_all_counted(output->stats());
}

// --- options

TEST_F(LiveOutputTest, wrong_options_are_named) {
  options_.name = "yard";
  const auto error = [&] {
    auto output = LiveOutput::create(options_, clock_);
    return output.ok() ? "none" : output.error().message;
  };
  EXPECT_EQ(error(), "output of yard: expected either an rtsp:// address or a folder for HLS");
  options_.rtsp_url = "http://a:b@c/d";
  EXPECT_EQ(error(), "output of yard: \"http://c/d\": expected rtsp:// or rtsps://");
  options_.rtsp_url = "rtsp://c/d";
  options_.encoder = "h265_magic";
  EXPECT_THAT(error(), HasSubstr("\"h265_magic\": this FFmpeg has no such encoder for H.264: "
                                 "expected one of libx264"));
  options_.encoder.clear();
  options_.segment = 100ms;
  EXPECT_EQ(error(), "output of yard: segment: expected 0.2 to 30 s");
  options_.rtsp_url.clear();
  options_.hls_folder = "a%d";
  EXPECT_EQ(error(), "output of yard: a%d: expected a folder without % in its name");
}

TEST_F(LiveOutputTest, a_hardware_encoder_without_its_hardware_is_told) {
  if (std::filesystem::exists("/dev/dri")) GTEST_SKIP() << "there is such hardware";
  options_.hls_folder = folder_ / "hls";
  options_.encoder = "h264_vaapi";
  const auto output = create();
  send(*output, 0, 2);
  EXPECT_THAT(output->stats().problem,
              HasSubstr("yard: no encoder for H.264 can be opened for 128x96 (h264_vaapi: "));
  EXPECT_EQ(output->stats().away, 2U);
}

TEST(HlsFiles, only_those_of_a_stream_are_found) {
  const TemporaryFolder folder;
  for (const std::string name : {"live.m3u8", "segment-12.ts", "segment-.ts", "a.ts"}) {
    base::write_text(folder / name, "x");
  }
  EXPECT_TRUE(find_hls_file(folder.path(), "live.m3u8").ok());
  EXPECT_TRUE(find_hls_file(folder.path(), "segment-12.ts").ok());
  for (const std::string name : {"", "segment-.ts", "a.ts", "../live.m3u8", "segment-13.ts",
                                 "segment-1/../a.ts", "/etc/passwd"}) {
    EXPECT_FALSE(find_hls_file(folder.path(), name).ok()) << name;
  }
}

}  // namespace
}  // namespace osprey::media
