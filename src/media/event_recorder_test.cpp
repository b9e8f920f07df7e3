// SPDX-License-Identifier: Apache-2.0
// Videos are made on the spot, played packet by packet into recorders, and the files read back.
#include "media/event_recorder.hpp"

#include <gmock/gmock.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/simulated_clock.hpp"
#include "media/av_handles.hpp"
#include "media/packet_file.hpp"
#include "media/source.hpp"
#include "media/test_pictures.hpp"

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
}

namespace osprey::media {
namespace {

using namespace std::chrono_literals;
using namespace testing_support;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

/// A video's packets one by one, as a source's reader gives them to a tap.
class Playing {
 public:
  explicit Playing(const std::string& path) {
    silence_av();
    EXPECT_GE(avformat_open_input(&file_, path.c_str(), nullptr, nullptr), 0) << path;
    EXPECT_GE(avformat_find_stream_info(file_, nullptr), 0);
  }
  ~Playing() { avformat_close_input(&file_); }
  Playing(const Playing&) = delete;
  Playing& operator=(const Playing&) = delete;

  const AVStream& stream() const { return *file_->streams[0]; }

  /// Null at the end.
  AvPtr<AVPacket> next() {
    AvPtr<AVPacket> packet = make_packet();
    return av_read_frame(file_, packet.get()) >= 0 ? std::move(packet) : nullptr;
  }

 private:
  AVFormatContext* file_ = nullptr;
};

std::vector<std::string> payloads(const std::string& path) {
  std::vector<std::string> found;
  Playing playing(path);
  while (const AvPtr<AVPacket> packet = playing.next()) {
    found.emplace_back(reinterpret_cast<const char*>(packet->data),
                       static_cast<std::size_t>(packet->size));
  }
  return found;
}

/// The numbers of all pictures; a file that a player would have trouble with fails the test.
std::vector<unsigned> numbers_in_video(const std::string& path) {
  std::vector<unsigned> numbers;
  auto source = Source::open(path, 0, {});
  if (!source.ok()) {
    ADD_FAILURE() << source.error().message;
    return numbers;
  }
  for (auto frame = (*source)->read(); frame.ok() && *frame; frame = (*source)->read()) {
    if (numbers.empty()) {
      EXPECT_EQ((*frame)->timestamp.since_origin, 0ns);
    }
    numbers.push_back(number_in((*frame)->image));
  }
  EXPECT_EQ((*source)->health().damaged, 0U) << (*source)->health().first_damage;
  return numbers;
}

std::vector<unsigned> range(unsigned begin, unsigned end) {
  std::vector<unsigned> numbers;
  for (unsigned n = begin; n < end; ++n) numbers.push_back(n);
  return numbers;
}

/// 10 pictures and 2 key frames a second: picture n comes at n / 10 s.
VideoSpec camera(unsigned count) {
  return {.encoder = "mpeg4", .options = "qmin=2,qmax=2,g=5", .count = count};
}

class EventRecorderTest : public ::testing::Test {
 protected:
  EventRecorderTest() {
    options_.folder = folder_ / "recordings";
    options_.camera = "front door";
    options_.pre_roll = 3s;
    options_.post_roll = 2s;
    options_.on_complete = [this](const Recording& recording) { told_.push_back(recording.name); };
  }

  std::shared_ptr<EventRecorder> create() {
    auto recorder = EventRecorder::create(options_, clock_);
    if (recorder.ok()) return *std::move(recorder);
    ADD_FAILURE() << recorder.error().message;
    return nullptr;
  }

  std::string make(const std::string& name, const VideoSpec& spec) {
    EXPECT_TRUE(make_video(folder_ / name, spec)) << "FFmpeg lacks " << spec.encoder;
    return folder_ / name;
  }

  /// At the video's pace; the writer's thread has done what there is before each packet.
  void play(EventRecorder& recorder, Playing& playing, unsigned count) {
    for (unsigned n = 0; n < count; ++n) {
      const AvPtr<AVPacket> packet = playing.next();
      ASSERT_TRUE(packet);
      recorder.packet(*packet);
      clock_.sleep_for(100ms);
    }
  }

  /// Complete recordings, the oldest first.
  std::vector<std::string> paths() const {
    auto recordings = list_recordings(options_.folder);
    std::vector<std::string> found;
    if (!recordings.ok()) ADD_FAILURE() << recordings.error().message;
    for (const Recording& recording : *recordings) {
      found.insert(found.begin(), options_.folder + "/" + recording.name);
    }
    return found;
  }

  std::size_t files_in_folder() const {
    const std::filesystem::directory_iterator begin(options_.folder);
    return static_cast<std::size_t>(std::distance(begin, {}));
  }

  TemporaryFolder folder_;
  base::SimulatedClock clock_;
  EventRecorderOptions options_;
  std::vector<std::string> told_;
};

TEST_F(EventRecorderTest, a_file_has_what_came_before_an_event_and_after_it_byte_by_byte) {
  const VideoSpec h264{.options = "preset=ultrafast,qp=14,g=5", .count = 200};
  VideoSpec spec = h264;
  if (!make_video(folder_ / "probe.mp4", {.count = 1})) spec = camera(200);
  const std::string source = make("v.mp4", spec);
  Playing playing(source);
  const auto recorder = create();
  recorder->opened(playing.stream());
  play(*recorder, playing, 83);  // 8.2 s
  recorder->begin("person-1");
  EXPECT_TRUE(recorder->stats().recording);
  play(*recorder, playing, 38);  // 12.0 s
  recorder->end("person-1");
  play(*recorder, playing, 50);
  EXPECT_FALSE(recorder->stats().recording);
  ASSERT_THAT(paths(), SizeIs(1));
  // From the last key frame before 5.2 s to 14 s.
  EXPECT_EQ(numbers_in_video(paths()[0]), range(50, 141));
  const auto sent = payloads(source);
  EXPECT_EQ(payloads(paths()[0]), std::vector(sent.begin() + 50, sent.begin() + 141));
  EXPECT_THAT(paths()[0], EndsWith("_person-1.mp4"));
  EXPECT_THAT(paths()[0], HasSubstr("/front-door_"));
  EXPECT_EQ(files_in_folder(), 1U) << "nothing else is left";
  EXPECT_THAT(told_, ElementsAre(paths()[0].substr(options_.folder.size() + 1)));
  const EventRecorderStats stats = recorder->stats();
  EXPECT_EQ(stats.files, 1U);
  EXPECT_EQ(stats.packets, 91U);
  EXPECT_EQ(stats.lost, 0U);
  EXPECT_EQ(stats.problem, "");
}

TEST_F(EventRecorderTest, a_recordings_length_is_what_the_ffprobe_program_reads) {
  Playing playing(make("v.mp4", camera(100)));
  const auto recorder = create();
  recorder->opened(playing.stream());
  play(*recorder, playing, 41);
  recorder->begin("e");
  recorder->end("e");
  play(*recorder, playing, 30);
  ASSERT_THAT(paths(), SizeIs(1));
  const std::string out = folder_ / "out";
  ASSERT_EQ(std::system(("ffprobe -v error -show_entries format=duration,start_time -of csv=p=0 '" +
                         paths()[0] + "' > " + out + " 2>&1")
                            .c_str()),
            0);
  EXPECT_EQ(base::read_text(out), "0.000000,5.100000\n");  // 1.0 s .. 6.0 s, and a period
}

TEST_F(EventRecorderTest, events_at_the_same_time_are_one_file_called_after_the_first) {
  Playing playing(make("v.mp4", camera(200)));
  const auto recorder = create();
  recorder->opened(playing.stream());
  play(*recorder, playing, 51);
  recorder->begin("first");
  play(*recorder, playing, 10);
  recorder->begin("second");
  play(*recorder, playing, 10);
  recorder->end("first");
  recorder->end("never began");
  play(*recorder, playing, 30);  // longer than post_roll
  EXPECT_TRUE(recorder->stats().recording);
  recorder->end("second");  // 10.0 s
  play(*recorder, playing, 10);
  recorder->begin("third");  // within the post-roll
  recorder->end("third");    // 11.0 s
  play(*recorder, playing, 50);
  ASSERT_THAT(paths(), SizeIs(1));
  EXPECT_THAT(paths()[0], EndsWith("_first.mp4"));
  EXPECT_EQ(numbers_in_video(paths()[0]), range(20, 131));
}

TEST_F(EventRecorderTest, what_has_no_end_is_extended_again_and_again) {
  Playing playing(make("v.mp4", camera(100)));
  const auto recorder = create();
  recorder->opened(playing.stream());
  play(*recorder, playing, 41);
  for (int n = 0; n < 3; ++n) {
    recorder->extend("motion");  // 4.0, 5.0, 6.0 s
    play(*recorder, playing, 10);
  }
  play(*recorder, playing, 20);
  ASSERT_THAT(paths(), SizeIs(1));
  EXPECT_THAT(paths()[0], EndsWith("_motion.mp4"));
  EXPECT_EQ(numbers_in_video(paths()[0]), range(10, 81));
}

TEST_F(EventRecorderTest, an_event_before_the_first_key_frame_is_recorded_from_there) {
  Playing playing(make("v.mp4", camera(40)));
  const auto recorder = create();
  recorder->begin("early");
  recorder->opened(playing.stream());
  for (int n = 0; n < 3; ++n) playing.next();  // a stream that is joined in the middle
  play(*recorder, playing, 20);
  recorder->end("early");
  recorder->finish();
  ASSERT_THAT(paths(), SizeIs(1));
  EXPECT_EQ(numbers_in_video(paths()[0]), range(5, 23));
}

TEST_F(EventRecorderTest, long_events_go_on_in_the_next_file_without_a_gap) {
  options_.max_length = 4s;
  Playing playing(make("v.mp4", camera(150)));
  const auto recorder = create();
  recorder->opened(playing.stream());
  play(*recorder, playing, 31);
  recorder->begin("long");
  play(*recorder, playing, 69);
  recorder->end("long");  // 9.9 s
  play(*recorder, playing, 40);
  ASSERT_THAT(paths(), SizeIs(3));
  EXPECT_EQ(numbers_in_video(paths()[0]), range(0, 40));
  EXPECT_EQ(numbers_in_video(paths()[1]), range(40, 80));
  EXPECT_EQ(numbers_in_video(paths()[2]), range(80, 120));
}

TEST_F(EventRecorderTest, a_reconnect_in_the_middle_of_an_event_makes_two_files) {
  const std::string source = make("v.mp4", camera(60));
  const auto recorder = create();
  Playing before(source);
  recorder->opened(before.stream());
  play(*recorder, before, 41);
  recorder->begin("e");
  play(*recorder, before, 7);
  Playing after(source);
  recorder->opened(after.stream());
  play(*recorder, after, 10);
  recorder->end("e");  // 0.9 s
  play(*recorder, after, 40);
  ASSERT_THAT(paths(), SizeIs(2));
  EXPECT_EQ(numbers_in_video(paths()[0]), range(10, 48));
  EXPECT_EQ(numbers_in_video(paths()[1]), range(0, 30));
}

TEST_F(EventRecorderTest, what_is_left_of_the_post_roll_comes_after_the_reconnect) {
  const std::string source = make("v.mp4", camera(60));
  const auto recorder = create();
  Playing before(source);
  recorder->opened(before.stream());
  play(*recorder, before, 41);
  recorder->begin("e");
  recorder->end("e");
  play(*recorder, before, 15);  // of 20
  Playing after(source);
  recorder->opened(after.stream());
  play(*recorder, after, 40);
  ASSERT_THAT(paths(), SizeIs(2));
  EXPECT_EQ(numbers_in_video(paths()[1]), range(0, 6));
}

TEST_F(EventRecorderTest, another_codec_needs_another_file) {
  VideoSpec mjpeg = camera(60);
  mjpeg.encoder = "mjpeg";
  mjpeg.pixel_format = "yuvj420p";
  mjpeg.options = "qmin=2,qmax=2";
  const auto recorder = create();
  Playing before(make("v.mp4", camera(60)));
  recorder->opened(before.stream());
  recorder->begin("e");
  play(*recorder, before, 20);
  const std::string pictures = make("v.avi", mjpeg);
  Playing after(pictures);
  recorder->opened(after.stream());
  play(*recorder, after, 20);
  recorder->end("e");
  recorder->finish();
  ASSERT_THAT(paths(), SizeIs(2));
  EXPECT_EQ(numbers_in_video(paths()[0]), range(0, 20));
  EXPECT_THAT(paths()[1], EndsWith(".mkv"));
  EXPECT_EQ(numbers_in_video(paths()[1]), range(0, 20));
  const auto sent = payloads(pictures);
  EXPECT_EQ(payloads(paths()[1]), std::vector(sent.begin(), sent.begin() + 20));
}

TEST_F(EventRecorderTest, a_camera_that_is_set_to_another_size_needs_another_file) {
  VideoSpec large{.count = 30};
  VideoSpec small{.count = 30, .width = 64, .height = 48};
  for (int n = 0; n < 30; ++n) {
    large.milliseconds.push_back(n * 100);
    small.milliseconds.push_back(3000 + n * 100);
  }
  if (!make_video(folder_ / "a.ts", large)) GTEST_SKIP() << "this FFmpeg has no libx264";
  make("b.ts", small);
  base::write_text(folder_ / "v.ts",
                   base::read_text(folder_ / "a.ts") + base::read_text(folder_ / "b.ts"));
  Playing playing(folder_ / "v.ts");
  const auto recorder = create();
  recorder->opened(playing.stream());
  recorder->begin("e");
  play(*recorder, playing, 60);
  recorder->end("e");
  recorder->finish();
  ASSERT_THAT(paths(), SizeIs(2));
  EXPECT_EQ(numbers_in_video(paths()[0]), range(0, 30));
  EXPECT_EQ(numbers_in_video(paths()[1]), range(0, 30));
  auto second = Source::open(paths()[1], 0, {});
  ASSERT_TRUE(second.ok());
  EXPECT_EQ((*second)->info().width, 64);
  const std::string out = folder_ / "out";
  std::system(("ffprobe -v error -show_entries stream=width,height -of csv=p=0 '" + paths()[1] +
               "' > " + out + " 2>&1")
                  .c_str());
  EXPECT_EQ(base::read_text(out), "64,48\n");
}

TEST_F(EventRecorderTest, a_stream_whose_parameters_come_only_with_its_key_frames_is_recorded) {
  if (!make_video(folder_ / "v.ts", {.count = 30})) GTEST_SKIP() << "this FFmpeg has no libx264";
  Playing playing(folder_ / "v.ts");
  AVCodecParameters& parameters = *playing.stream().codecpar;
  av_freep(&parameters.extradata);  // as a camera whose description lacks them
  parameters.extradata_size = 0;
  const auto recorder = create();
  recorder->opened(playing.stream());
  recorder->begin("e");
  play(*recorder, playing, 30);
  recorder->finish();
  ASSERT_THAT(paths(), SizeIs(1)) << recorder->stats().problem;
  EXPECT_EQ(numbers_in_video(paths()[0]), range(0, 30));
}

TEST_F(EventRecorderTest, a_jump_in_time_makes_two_files_without_what_was_before_it) {
  VideoSpec jumping = camera(60);
  for (int n = 0; n < 60; ++n) jumping.milliseconds.push_back(n * 100 + (n < 30 ? 0 : 60'000));
  Playing playing(make("v.mkv", jumping));
  const auto recorder = create();
  recorder->opened(playing.stream());
  play(*recorder, playing, 21);
  recorder->begin("e");
  play(*recorder, playing, 19);
  recorder->end("e");
  recorder->finish();
  ASSERT_THAT(paths(), SizeIs(2));
  EXPECT_EQ(numbers_in_video(paths()[0]), range(0, 30));
  EXPECT_EQ(numbers_in_video(paths()[1]), range(30, 40));
}

TEST_F(EventRecorderTest, a_silent_stream_has_its_file_completed) {
  Playing playing(make("v.mp4", camera(60)));
  const auto recorder = create();
  recorder->opened(playing.stream());
  play(*recorder, playing, 21);
  recorder->begin("e");
  play(*recorder, playing, 9);
  clock_.sleep_for(9s);
  EXPECT_TRUE(recorder->stats().recording);
  clock_.sleep_for(2s);
  EXPECT_FALSE(recorder->stats().recording);
  ASSERT_THAT(paths(), SizeIs(1));
  EXPECT_EQ(numbers_in_video(paths()[0]), range(0, 30));
  play(*recorder, playing, 10);  // and goes on, as the event does
  recorder->finish();
  ASSERT_THAT(paths(), SizeIs(2));
  EXPECT_EQ(numbers_in_video(paths()[1]), range(30, 40));
}

TEST_F(EventRecorderTest, raw_pictures_are_refused_with_a_reason) {
  const VideoSpec raw{.encoder = "rawvideo", .pixel_format = "bgr24", .options = "", .count = 5};
  Playing playing(make("v.avi", raw));
  const auto recorder = create();
  recorder->opened(playing.stream());
  recorder->begin("e");
  play(*recorder, playing, 5);
  EXPECT_FALSE(recorder->stats().recording);
  EXPECT_EQ(
      recorder->stats().problem,
      "front door: rawvideo: such video cannot be recorded as it comes: expected one that the "
      "camera compresses, as H.264, H.265 or MJPEG");
  recorder->finish();
  EXPECT_EQ(files_in_folder(), 0U);
}

TEST_F(EventRecorderTest, memory_before_an_event_is_bounded_by_bytes_too) {
  const std::string source = make("v.mp4", camera(60));
  const auto sent = payloads(source);
  std::size_t gop = 0;
  for (std::size_t n = 40; n < 45; ++n) gop += sent[n].size();
  options_.max_pre_roll_bytes = 3 * gop;  // no more than 2 whole ones and a part
  Playing playing(source);
  const auto recorder = create();
  recorder->opened(playing.stream());
  play(*recorder, playing, 50);
  recorder->begin("e");
  recorder->finish();
  ASSERT_THAT(paths(), SizeIs(1));
  const auto numbers = numbers_in_video(paths()[0]);
  ASSERT_FALSE(numbers.empty());
  EXPECT_GE(numbers.front(), 35U);
  EXPECT_EQ(numbers.front() % 5, 0U) << "a key frame";
  EXPECT_EQ(numbers.back(), 49U);
}

TEST_F(EventRecorderTest, a_disk_that_is_too_slow_ends_the_file_and_never_holds_the_reader) {
  const std::string source = make("v.mp4", camera(200));
  std::size_t bytes = 0;
  for (const std::string& payload : payloads(source)) bytes += payload.size();
  options_.max_waiting_bytes = bytes / 8;
  options_.max_pre_roll_bytes = bytes / 8;
  Playing playing(source);
  const auto recorder = create();
  recorder->opened(playing.stream());
  recorder->begin("e");
  play(*recorder, playing, 1);
  // Simulated threads run only while others wait: nothing is written now.
  for (unsigned n = 1; n < 150; ++n) recorder->packet(*playing.next());
  EXPECT_EQ(recorder->stats().overflows, 1U);
  EXPECT_THAT(recorder->stats().problem, HasSubstr("slower than front door is"));
  clock_.sleep_for(100ms);
  play(*recorder, playing, 50);
  recorder->finish();
  const EventRecorderStats stats = recorder->stats();
  EXPECT_EQ(stats.packets + stats.lost, 200U) << "each packet is in a file or counted";
  EXPECT_EQ(stats.problem, "") << "all is well again";
  ASSERT_THAT(paths(), SizeIs(2));
  const auto first = numbers_in_video(paths()[0]);
  EXPECT_EQ(first, range(0, static_cast<unsigned>(first.size())));
  EXPECT_EQ(numbers_in_video(paths()[1]), range(150, 200));
}

TEST_F(EventRecorderTest, a_full_disk_leaves_what_could_be_written_and_is_tried_again) {
  VideoSpec large = camera(200);
  large.width = 512;
  large.height = 384;
  Playing playing(make("v.mp4", large));
  const auto recorder = create();
  {
    const base::FileSizeLimit limit(30'000);
    recorder->opened(playing.stream());
    recorder->begin("e");
    play(*recorder, playing, 60);
  }
  EXPECT_EQ(recorder->stats().failures, 1U) << recorder->stats().problem;
  EXPECT_THAT(recorder->stats().problem, HasSubstr("File too large"));
  EXPECT_THAT(recorder->stats().problem, HasSubstr(options_.folder + "/front-door_"));
  EXPECT_FALSE(recorder->stats().recording);
  EXPECT_GT(recorder->stats().lost, 0U);
  ASSERT_THAT(paths(), SizeIs(1));
  const std::vector<std::string> kept = payloads(paths()[0]);
  EXPECT_GE(kept.size(), 10U);
  play(*recorder, playing, 120);
  recorder->finish();
  EXPECT_EQ(recorder->stats().problem, "") << "all is well again";
  ASSERT_THAT(paths(), SizeIs(2)) << "the event goes on";
  EXPECT_EQ(numbers_in_video(paths()[1]).back(), 179U);
}

TEST_F(EventRecorderTest, a_folder_that_goes_away_is_a_failure_that_is_told) {
  Playing playing(make("v.mp4", camera(60)));
  const auto recorder = create();
  std::filesystem::remove(options_.folder);
  recorder->opened(playing.stream());
  recorder->begin("e");
  play(*recorder, playing, 20);
  EXPECT_EQ(recorder->stats().failures, 1U);
  EXPECT_THAT(recorder->stats().problem, HasSubstr("No such file or directory"));
}

TEST_F(EventRecorderTest, a_killed_process_loses_no_more_than_the_last_second) {
  const std::string source = make("v.mp4", camera(60));
  EXPECT_EXIT(
      {
        base::RealClock clock;
        options_.on_complete = nullptr;
        auto recorder = EventRecorder::create(options_, clock);
        Playing playing(source);
        (*recorder)->opened(playing.stream());
        (*recorder)->begin("e");
        for (int n = 0; n < 43; ++n) (*recorder)->packet(*playing.next());
        for (int n = 0; n < 5000 && (*recorder)->stats().packets < 43; ++n) {
          std::this_thread::sleep_for(1ms);
        }
        ::kill(::getpid(), SIGKILL);
      },
      ::testing::KilledBySignal(SIGKILL), "");
  ASSERT_EQ(files_in_folder(), 1U);
  EXPECT_THAT(paths(), IsEmpty()) << "its name is a temporary one";
  // Somebody else's that is still written, and one that has nothing in it.
  base::write_text(options_.folder + "/.front-door_20260101T000000.000Z_e.mp4.part-1-0", "");
  const auto recorder = create();
  clock_.sleep_for(1ms);
  ASSERT_THAT(paths(), SizeIs(1));
  EXPECT_EQ(files_in_folder(), 1U);
  EXPECT_EQ(numbers_in_video(paths()[0]), range(0, 40)) << "all whole fragments";
  EXPECT_EQ(recorder->stats().files, 1U);
  EXPECT_THAT(told_, SizeIs(1));
}

TEST_F(EventRecorderTest, a_file_that_another_recorder_writes_is_no_leftover) {
  Playing playing(make("v.mp4", camera(60)));
  const auto recorder = create();
  recorder->opened(playing.stream());
  recorder->begin("e");
  play(*recorder, playing, 20);
  const auto second = create();
  clock_.sleep_for(1ms);
  EXPECT_EQ(second->stats().files, 0U);
  recorder->finish();
  ASSERT_THAT(paths(), SizeIs(1));
  EXPECT_EQ(numbers_in_video(paths()[0]), range(0, 20));
}

TEST_F(EventRecorderTest, what_was_left_is_completed_by_any_recorder_and_holds_up_no_end) {
  std::filesystem::create_directory(options_.folder);
  const std::string name = recording_name("yard", WallTime(), "e", ".mp4");
  const std::string part = options_.folder + "/." + name + ".part-1-0";
  std::filesystem::copy_file(make("v.mp4", camera(20)), part);
  create()->finish();  // before its thread has begun
  EXPECT_TRUE(std::filesystem::exists(part));
  EXPECT_EQ(files_in_folder(), 1U);
  const auto recorder = create();
  clock_.sleep_for(1ms);
  EXPECT_THAT(told_, ElementsAre(name));
  EXPECT_EQ(files_in_folder(), 1U);
  EXPECT_EQ(numbers_in_video(options_.folder + "/" + name), range(0, 20));
}

TEST_F(EventRecorderTest, what_is_too_old_goes_when_the_clock_has_said_so_for_some_minutes) {
  std::filesystem::create_directory(options_.folder);
  const WallTime now = std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
  for (const auto age : {47h, 50h}) {
    base::write_text(options_.folder + "/" +
                         recording_name("yard", now - age, std::to_string(age.count()), ".mp4"),
                     "x");
  }
  options_.retention.keep = std::chrono::hours(48);
  const auto recorder = create();
  clock_.sleep_for(9min);
  EXPECT_THAT(paths(), SizeIs(2));
  clock_.sleep_for(2min);
  ASSERT_THAT(paths(), SizeIs(1));
  EXPECT_THAT(paths()[0], EndsWith("_47.mp4"));
  EXPECT_EQ(recorder->stats().removed, 1U);
}

TEST_F(EventRecorderTest, what_is_too_much_goes_when_a_file_is_complete) {
  std::filesystem::create_directory(options_.folder);
  const auto put = [&](const std::string& name, std::size_t bytes) {
    base::write_text(options_.folder + "/" + name, std::string(bytes, 'x'));
  };
  const WallTime now = std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
  put(recording_name("yard", now - 4h, "a", ".mp4"), 10);
  put(recording_name("yard", now - 3h, "b", ".mp4"), 900'000);  // too much
  put(recording_name("yard", now - 2h, "c", ".mp4"), 100'000);
  put("holiday.mp4", 10'000'000);
  options_.retention = {std::chrono::hours(48), 900'000};
  Playing playing(make("v.mp4", camera(60)));
  const auto recorder = create();
  recorder->opened(playing.stream());
  recorder->begin("e");
  play(*recorder, playing, 20);
  recorder->finish();
  ASSERT_THAT(paths(), SizeIs(2));
  EXPECT_THAT(paths()[0], EndsWith("_c.mp4"));
  EXPECT_THAT(paths()[1], EndsWith("_e.mp4"));
  EXPECT_TRUE(std::filesystem::exists(options_.folder + "/holiday.mp4"));
  EXPECT_EQ(recorder->stats().removed, 2U);
}

TEST_F(EventRecorderTest, wrong_options_are_named) {
  const auto error = [&] {
    auto recorder = EventRecorder::create(options_, clock_);
    return recorder.ok() ? "none" : recorder.error().message;
  };
  options_.post_roll = -1s;
  EXPECT_EQ(error(), "recording: post_roll: expected 0 s or more");
  options_.post_roll = 1s;
  options_.max_length = 0s;
  EXPECT_EQ(error(), "recording: max_length: expected more than 0 s");
  options_.max_length = 1s;
  base::write_text(folder_ / "file", "");
  options_.folder = folder_ / "file/below";
  EXPECT_THAT(error(), HasSubstr("cannot make the folder"));
  options_.folder = "";
  EXPECT_EQ(error(), "recording: expected a folder");
}

TEST(Recordings, names_say_what_was_put_into_them) {
  const WallTime begin =
      std::chrono::sys_days(std::chrono::year(2026) / 2 / 28) + 23h + 59min + 58s + 70ms;
  const std::string name = recording_name("Tür_1", begin, "1764150000.12-k3x9qd", ".mkv");
  EXPECT_EQ(name, "T--r_1_20260228T235958.070Z_1764150000.12-k3x9qd.mkv");
  const auto read = parse_recording_name(name);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->camera, "T--r_1");
  EXPECT_EQ(read->event, "1764150000.12-k3x9qd");
  EXPECT_EQ(read->begin, begin);
}

TEST(Recordings, other_names_are_none) {
  for (const std::string name :
       {"", ".mp4", "holiday.mp4", "a_b_c.mp4", "a_20260231T000000.000Z_e.mp4",
        "a_20260228T000000.000Z_e.avi", "a_20260228T000000.000Z.mp4",
        "../a_20260228T000000.000Z_e.mp4", "a_20260228T000000.000Z_e/../x.mp4",
        ".a_20260228T000000.000Z_e.mp4", "a_20260228T000000.000Z_e_f.mp4", "_.mp4", "__.mp4",
        "a_.mp4"}) {
    EXPECT_FALSE(parse_recording_name(name)) << name;
  }
}

TEST(Recordings, what_a_killed_process_left_makes_no_recording_go) {
  const TemporaryFolder folder;
  const std::string name = recording_name("a", WallTime(), "e", ".mp4");
  base::write_text(folder / name, "x");
  base::write_text(folder / ("." + name + ".part-1-0"), std::string(1000, 'x'));
  const Retention retention{0s, 100};
  EXPECT_EQ(remove_old_recordings(folder.path(), retention, WallTime()).value(), 0U);
}

TEST(Recordings, only_a_complete_recording_of_the_folder_is_found) {
  const TemporaryFolder folder;
  const std::string name = recording_name("a", WallTime(), "e", ".mp4");
  EXPECT_EQ(find_recording(folder.path(), name).error().code, ErrorCode::kNotFound);
  base::write_text(folder / name, "x");
  EXPECT_EQ(find_recording(folder.path(), name).value(), folder.path() / name);
  EXPECT_FALSE(
      find_recording(folder.path(), "../" + folder.path().filename().string() + "/" + name));
  const std::string link = recording_name("b", WallTime(), "e", ".mp4");
  std::filesystem::create_symlink("/etc/passwd", folder.path() / link);
  EXPECT_FALSE(find_recording(folder.path(), link));
  EXPECT_THAT(list_recordings(folder.path()).value(), SizeIs(1));
  EXPECT_THAT(list_recordings(folder.path() / "none").value(), IsEmpty());
}

}  // namespace
}  // namespace osprey::media
