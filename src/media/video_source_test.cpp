// SPDX-License-Identifier: Apache-2.0
// Reads videos that the ffmpeg program makes on the spot.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "media/source.hpp"
#include "media/test_pictures.hpp"

namespace osprey::media {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using namespace testing_support;
using ::testing::HasSubstr;

struct Reading {
  StreamInfo info;
  std::vector<Frame> frames;
  SourceHealth health;

  std::vector<unsigned> numbers() const {
    std::vector<unsigned> found;
    for (const Frame& frame : frames) found.push_back(number_in(frame.image));
    return found;
  }
  std::vector<std::int64_t> milliseconds() const {
    std::vector<std::int64_t> found;
    for (const Frame& frame : frames) {
      found.push_back(
          std::chrono::round<std::chrono::milliseconds>(frame.timestamp.since_origin).count());
    }
    return found;
  }
};

/// Everything in a source that has to open and read without an error.
Reading read_all(const std::string& uri, const SourceOptions& options = {}) {
  Reading reading;
  auto source = Source::open(uri, 3, options);
  if (!source.ok()) {
    ADD_FAILURE() << source.error().message;
    return reading;
  }
  reading.info = (*source)->info();
  for (;;) {
    auto frame = (*source)->read();
    if (!frame.ok()) ADD_FAILURE() << frame.error().message;
    if (!frame.ok() || !frame->has_value()) break;
    reading.frames.push_back(**frame);
  }
  reading.health = (*source)->health();
  return reading;
}

Error open_error(const std::string& uri, const SourceOptions& options = {}) {
  auto source = Source::open(uri, 0, options);
  if (!source.ok()) return source.error();
  ADD_FAILURE() << uri << " could be opened";
  return {};
}

std::vector<unsigned> count_to(unsigned end, unsigned step = 1) {
  std::vector<unsigned> numbers;
  for (unsigned n = 0; n < end; n += step) numbers.push_back(n);
  return numbers;
}

class VideoSource : public ::testing::Test {
 protected:
  /// A file of numbered pictures; its path.
  std::string make(const std::string& name, const VideoSpec& spec) {
    EXPECT_TRUE(make_video(folder_ / name, spec)) << "FFmpeg lacks " << spec.encoder;
    return folder_ / name;
  }

  TemporaryFolder folder_;
};

/// The shortest ways to name what many tests use: encoders that every FFmpeg has.
VideoSpec mpeg4(unsigned count) {
  return {.encoder = "mpeg4", .options = "qmin=2,qmax=2,g=5", .count = count};
}
VideoSpec mjpeg(unsigned count) {
  return {
      .encoder = "mjpeg", .pixel_format = "yuvj420p", .options = "qmin=2,qmax=2", .count = count};
}

struct Codec {
  const char* file;
  const char* encoder;
  const char* pixel_format;
  const char* options;
  PixelFormat format;
};

void check_codec(const std::string& path, const Codec& codec) {
  const Reading reading = read_all(path);
  EXPECT_EQ(reading.numbers(), count_to(6));
  EXPECT_EQ(reading.milliseconds(), (std::vector<std::int64_t>{0, 100, 200, 300, 400, 500}));
  EXPECT_NEAR(reading.info.frame_rate, 10, 0.01);
  EXPECT_EQ(reading.info.width, 128);
  EXPECT_EQ(reading.info.height, 96);
  EXPECT_EQ(reading.info.index, 3U);
  EXPECT_EQ(reading.info.uri, path);
  EXPECT_FALSE(reading.info.pictures);
  EXPECT_FALSE(reading.info.live);
  EXPECT_EQ(reading.health.damaged, 0U) << reading.health.first_damage;
  const bool shows_colors = codec.format != PixelFormat::kGray8 && codec.encoder != "gif"s;
  std::uint64_t sequence = 0;
  for (const Frame& frame : reading.frames) {
    EXPECT_EQ(frame.id, (FrameId{3, sequence++}));
    EXPECT_EQ(frame.image.format, codec.format);
    EXPECT_EQ(frame.image.width, 128);
    EXPECT_EQ(frame.image.height, 96);
    EXPECT_TRUE(frame.path.empty());
    if (shows_colors) {
      EXPECT_TRUE(shows_corners(frame.image, 12));
    }
  }
}

TEST_F(VideoSource, every_codec_gives_its_frames_with_their_layout_colours_and_time) {
  constexpr auto kI420 = PixelFormat::kI420;
  constexpr auto kI422 = PixelFormat::kI422;
  const std::vector<Codec> codecs = {
      {"h264.mp4", "libx264", "yuv420p", "preset=veryfast,qp=12", kI420},
      {"h264_full_range.mkv", "libx264", "yuvj420p", "preset=ultrafast,qp=12", kI420},
      {"h264_422.mp4", "libx264", "yuv422p", "preset=ultrafast,qp=12", kI422},
      {"h264_444.mp4", "libx264", "yuv444p", "preset=ultrafast,qp=12", PixelFormat::kI444},
      {"h264_10_bit.mp4", "libx264", "yuv420p10le", "preset=ultrafast,qp=12", kI420},
      {"h264_rgb.mp4", "libx264rgb", "rgb24", "preset=ultrafast,qp=12", PixelFormat::kBgr24},
      {"h265.mp4", "libx265", "yuv420p", "preset=ultrafast,crf=10,x265-params=log-level=-1", kI420},
      {"h265_422_10_bit.mkv", "libx265", "yuv422p10le",
       "preset=ultrafast,crf=10,x265-params=log-level=-1", kI422},
      {"vp9.webm", "libvpx-vp9", "yuv420p", "cpu-used=8,deadline=realtime,crf=10,b=0", kI420},
      {"av1.mkv", "libaom-av1", "yuv420p", "cpu-used=8,usage=realtime,crf=10,b=0", kI420},
      {"mpeg4.avi", "mpeg4", "yuv420p", "qmin=2,qmax=2", kI420},
      {"mpeg4_b_frames.avi", "mpeg4", "yuv420p", "qmin=2,qmax=2,bf=2", kI420},
      {"msmpeg4v3.avi", "msmpeg4", "yuv420p", "qmin=2,qmax=2", kI420},
      {"mpeg2.ts", "mpeg2video", "yuv420p", "qmin=2,qmax=2,strict=-1", kI420},
      {"mjpeg_422.avi", "mjpeg", "yuvj422p", "qmin=2,qmax=2", kI422},
      {"prores.mov", "prores_ks", "yuv422p10le", "", kI422},
      {"ffv1_gray.mkv", "ffv1", "gray", "", PixelFormat::kGray8},
      {"raw_bgr.avi", "rawvideo", "bgr24", "", PixelFormat::kBgr24},
      {"raw_nv12.nut", "rawvideo", "nv12", "", PixelFormat::kNv12},
      {"png.mov", "png", "rgb24", "", PixelFormat::kRgb24},
      {"palette.gif", "gif", "bgr8", "", PixelFormat::kBgr24},
  };
  int read = 0;
  for (const Codec& codec : codecs) {
    SCOPED_TRACE(codec.file);
    const VideoSpec spec{codec.encoder, codec.pixel_format, codec.options};
    if (!make_video(folder_ / codec.file, spec)) continue;
    check_codec(folder_ / codec.file, codec);
    ++read;
  }
  EXPECT_GE(read, 10) << "even an FFmpeg without extra libraries has ten of these encoders";
}

TEST_F(VideoSource, odd_sizes_stay_odd) {
  for (const auto& [name, format] :
       {std::pair("a.avi", "yuvj420p"), std::pair("b.avi", "yuvj422p")}) {
    VideoSpec spec = mjpeg(3);
    spec.pixel_format = format;
    spec.width = 97;
    spec.height = 61;
    const Reading reading = read_all(make(name, spec));
    EXPECT_EQ(reading.info.width, 97);
    EXPECT_EQ(reading.info.height, 61);
    ASSERT_EQ(reading.numbers(), count_to(3));
    EXPECT_TRUE(shows_corners(reading.frames[2].image, 15)) << name;
  }
}

TEST_F(VideoSource, rotated_videos_come_out_upright) {
  struct Corners {
    int degrees;
    Rgb top_left, bottom_right;
  };
  for (const auto& [degrees, top_left, bottom_right] :
       {Corners{90, kBottomLeft, kTopRight}, Corners{180, kBottomRight, kTopLeft},
        Corners{270, kTopRight, kBottomLeft}}) {
    SCOPED_TRACE(degrees);
    VideoSpec spec = mpeg4(1);
    spec.rotation = degrees;
    const Reading reading = read_all(make("v.mp4", spec));
    ASSERT_EQ(reading.frames.size(), 1U);
    const Image& image = reading.frames[0].image;
    EXPECT_EQ(image.width, degrees == 180 ? 128 : 96);
    EXPECT_EQ(image.height, degrees == 180 ? 96 : 128);
    EXPECT_EQ(reading.info.width, image.width);
    EXPECT_EQ(reading.info.height, image.height);
    EXPECT_TRUE(is_near(color_at(image, 5, 5), top_left, 12));
    EXPECT_TRUE(is_near(color_at(image, image.width - 6, image.height - 6), bottom_right, 12));
  }
}

TEST_F(VideoSource, rotation_is_what_the_ffmpeg_program_makes_of_it) {
  if (std::system("ffmpeg -version >/dev/null 2>&1") != 0) GTEST_SKIP() << "no ffmpeg program";
  VideoSpec spec = mpeg4(1);
  spec.rotation = 90;
  const std::string path = make("v.mp4", spec);
  const std::string shown = folder_ / "shown.png";
  ASSERT_EQ(std::system(("ffmpeg -nostdin -v error -i " + path + " " + shown).c_str()), 0);
  const Reading ours = read_all(path);
  const Reading theirs = read_all(shown);
  ASSERT_EQ(ours.frames.size(), 1U);
  ASSERT_EQ(theirs.frames.size(), 1U);
  const Image& image = ours.frames[0].image;
  ASSERT_EQ(image.width, theirs.frames[0].image.width);
  ASSERT_EQ(image.height, theirs.frames[0].image.height);
  for (int y = 2; y < image.height; y += 25) {
    for (int x = 2; x < image.width; x += 18) {
      EXPECT_TRUE(is_near(color_at(image, x, y), color_at(theirs.frames[0].image, x, y), 12))
          << x << ", " << y;
    }
  }
}

TEST_F(VideoSource, uneven_timestamps_are_kept) {
  VideoSpec spec = mjpeg(5);
  spec.milliseconds = {0, 20, 60, 120, 2000};
  EXPECT_EQ(read_all(make("v.mkv", spec)).milliseconds(),
            (std::vector<std::int64_t>{0, 20, 60, 120, 2000}));
}

TEST_F(VideoSource, time_begins_at_the_first_frame_whatever_the_container_counts_from) {
  VideoSpec spec = mpeg4(3);
  spec.milliseconds = {50'000, 50'100, 50'300};
  EXPECT_EQ(read_all(make("v.ts", spec)).milliseconds(), (std::vector<std::int64_t>{0, 100, 300}));
}

TEST_F(VideoSource, streams_without_timestamps_get_them_from_the_frame_rate) {
  // Nothing in it tells a rate; FFmpeg takes such streams to have 25 frames a second.
  const Reading reading = read_all(make("v.mjpeg", mjpeg(3)));
  EXPECT_EQ(reading.numbers(), count_to(3));
  EXPECT_EQ(reading.milliseconds(), (std::vector<std::int64_t>{0, 40, 80}));
}

TEST_F(VideoSource, colour_metadata_goes_with_the_image) {
  VideoSpec spec{.options = "preset=ultrafast,qp=10", .count = 1, .bt709_full_range = true};
  if (!make_video(folder_ / "v.mp4", spec)) GTEST_SKIP() << "this FFmpeg has no libx264";
  const Image image = read_all(folder_ / "v.mp4").frames.at(0).image;
  EXPECT_EQ(image.matrix, ColorMatrix::kBt709);
  EXPECT_EQ(image.range, ColorRange::kFull);
  EXPECT_TRUE(shows_corners(image, 12));
}

TEST_F(VideoSource, a_stride_gives_every_nth_frame_with_its_own_time) {
  SourceOptions options;
  options.vid_stride = 3;
  const Reading reading = read_all(make("v.mp4", mpeg4(8)), options);
  EXPECT_EQ(reading.numbers(), count_to(8, 3));
  EXPECT_EQ(reading.milliseconds(), (std::vector<std::int64_t>{0, 300, 600}));
  EXPECT_EQ(reading.frames.at(2).id.sequence, 2U);
  EXPECT_EQ(reading.info.frame_count, 3);
  EXPECT_NEAR(reading.info.frame_rate, 10.0 / 3, 0.01);
}

TEST_F(VideoSource, decoder_threads_change_nothing_but_speed) {
  const std::string path = make("v.mp4", mpeg4(20));
  SourceOptions options;
  options.threads = 4;
  const Reading one = read_all(path);
  const Reading four = read_all(path, options);
  EXPECT_EQ(one.numbers(), count_to(20));
  EXPECT_EQ(four.numbers(), count_to(20));
  EXPECT_EQ(one.milliseconds(), four.milliseconds());
  EXPECT_EQ(one.info.frame_count, 20);
}

TEST_F(VideoSource, a_name_with_a_colon_is_a_file) {
  const std::string odd = folder_ / "at 12:30 [50%].mp4";
  std::filesystem::rename(make("v.mp4", mpeg4(1)), odd);
  EXPECT_EQ(read_all(odd).frames.size(), 1U);
  EXPECT_EQ(read_all("file:" + odd).frames.size(), 1U);
  EXPECT_EQ(read_all("file://" + odd).frames.size(), 1U);
}

/// A second of silence, 8 bits a sample.
std::vector<char> silent_wav() {
  std::string wav =
      "RIFF\x64\x1F\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1F\0\0\x40\x1F\0\0\x01\0\x08\0"
      "data\x40\x1F\0\0"s;
  wav.append(8000, '\x80');
  return {wav.begin(), wav.end()};
}

TEST_F(VideoSource, sound_is_no_video) {
  write_bytes(folder_ / "sound.wav", silent_wav());
  const Error error = open_error(folder_ / "sound.wav");
  EXPECT_EQ(error.code, ErrorCode::kUnsupported);
  EXPECT_THAT(error.message, HasSubstr("sound.wav: no video in it"));
}

TEST_F(VideoSource, cover_art_is_no_video) {
  // An MP3 is an ID3 tag, here with a picture, and MPEG audio frames: 417 bytes each at 128 kbit/s.
  VideoSpec picture{.encoder = "png", .pixel_format = "rgb24", .options = "", .count = 1};
  picture.muxer_options = "update=1";
  const std::vector<char> png = read_bytes(make("cover.png", picture));
  std::string apic = "\0image/png\0\x03\0"s + std::string(png.begin(), png.end());
  const auto synchsafe = [](std::size_t size) {
    std::string bytes;
    for (const int shift : {21, 14, 7, 0}) bytes += static_cast<char>((size >> shift) & 0x7F);
    return bytes;
  };
  std::string mp3 = "ID3\x04\0\0"s + synchsafe(apic.size() + 10) + "APIC" + synchsafe(apic.size()) +
                    "\0\0"s + apic;
  for (int n = 0; n < 40; ++n) mp3 += "\xFF\xFB\x90\xC0"s + std::string(413, '\0');
  write_text(folder_ / "song.mp3", mp3);
  EXPECT_THAT(open_error(folder_ / "song.mp3").message,
              HasSubstr("song.mp3: no video in it (FFmpeg reads it as mp3)"));
}

// --- damage
// ---------------------------------------------------------------------------------------

TEST_F(VideoSource, a_video_that_was_cut_short_is_read_up_to_there) {
  const std::string path = make("v.avi", mpeg4(30));
  std::vector<char> bytes = read_bytes(path);
  bytes.resize(bytes.size() / 2);
  write_bytes(path, bytes);
  ::testing::internal::CaptureStderr();
  const Reading reading = read_all(path);
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "") << "a library does not print";
  ASSERT_GT(reading.frames.size(), 4U);
  EXPECT_LT(reading.frames.size(), 20U);
  EXPECT_EQ(reading.health.damaged, 1U);
  EXPECT_THAT(reading.health.first_damage, HasSubstr("v.avi: at "));
  std::vector<unsigned> numbers = reading.numbers();
  numbers.pop_back();  // the one that was cut through
  EXPECT_EQ(numbers, count_to(static_cast<unsigned>(numbers.size())));
}

TEST_F(VideoSource, an_mp4_without_its_end_keeps_the_frames_before) {
  VideoSpec spec = mpeg4(30);
  spec.muxer_options = "movflags=+faststart";
  const std::string path = make("v.mp4", spec);
  std::vector<char> bytes = read_bytes(path);
  bytes.resize(bytes.size() * 2 / 3);
  write_bytes(path, bytes);
  const Reading reading = read_all(path);
  EXPECT_GT(reading.frames.size(), 10U);
  EXPECT_LT(reading.frames.size(), 30U);
  EXPECT_GE(reading.health.damaged, 1U);
  EXPECT_LE(reading.health.damaged, 3U) << "the missing end is one damage";
}

TEST_F(VideoSource, flipped_bits_cost_a_few_frames_and_are_counted) {
  const VideoSpec h264{.count = 40};
  VideoSpec msmpeg4 = mpeg4(40);
  msmpeg4.encoder = "msmpeg4";
  for (const auto& [name, spec] :
       {std::pair("a.ts", h264), std::pair("b.mkv", h264), std::pair("c.avi", mpeg4(40)),
        std::pair("d.avi", msmpeg4), std::pair("e.ts", mpeg4(40))}) {
    SCOPED_TRACE(name);
    if (!make_video(folder_ / name, spec)) continue;
    std::vector<char> bytes = read_bytes(folder_ / name);
    for (std::size_t place = bytes.size() / 2; place < bytes.size() * 7 / 8; place += 1999) {
      for (std::size_t i = 0; i < 8; ++i) bytes[place + i] = static_cast<char>(~bytes[place + i]);
    }
    write_bytes(folder_ / name, bytes);
    ::testing::internal::CaptureStderr();
    const Reading reading = read_all(folder_ / name);
    EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
    EXPECT_GT(reading.health.damaged, 0U);
    EXPECT_LE(reading.health.damaged, 40U);
    EXPECT_THAT(reading.health.first_damage, HasSubstr(name));
    EXPECT_GT(reading.frames.size(), 20U);
    EXPECT_LE(reading.frames.size(), 40U);
  }
}

TEST_F(VideoSource, a_lost_beginning_does_not_shift_the_other_frames_time) {
  // The first picture's data is gone, the container still says when it was.
  const std::string path = make("v.avi", mjpeg(6));
  std::vector<char> bytes = read_bytes(path);
  const std::string jpeg = "\xFF\xD8\xFF";
  const auto begin = std::search(bytes.begin(), bytes.end(), jpeg.begin(), jpeg.end());
  const auto next = std::search(begin + 1, bytes.end(), jpeg.begin(), jpeg.end());
  ASSERT_NE(next, bytes.end());
  std::fill(begin, next - 16, '\0');
  write_bytes(path, bytes);
  const Reading reading = read_all(path);
  EXPECT_EQ(reading.numbers(), (std::vector<unsigned>{1, 2, 3, 4, 5}));
  EXPECT_EQ(reading.milliseconds(), (std::vector<std::int64_t>{100, 200, 300, 400, 500}));
  EXPECT_EQ(reading.health.damaged, 1U);
}

TEST_F(VideoSource, a_frame_larger_than_allowed_is_refused) {
  const std::string path = make("v.mp4", mpeg4(2));
  SourceOptions options;
  options.max_pixels = 64 * 64;
  EXPECT_EQ(open_error(path, options).code, ErrorCode::kCorrupt);
  options.max_pixels = 256 * 256;
  EXPECT_EQ(read_all(path, options).frames.size(), 2U);
}

// --- pipes and networks
// ---------------------------------------------------------------------------

/// Two ends that behave like a pipe's, but without SIGPIPE.
class Pipe {
 public:
  Pipe() { EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends_.data()), 0); }
  ~Pipe() {
    close(ends_[0]);
    shutdown(ends_[1], SHUT_RDWR);
    if (writer_.joinable()) writer_.join();
    close(ends_[1]);
  }
  std::string uri() const { return "pipe:" + std::to_string(ends_[0]); }

  /// In a thread: writes `bytes`, then ends the stream if it is to.
  void send(std::vector<char> bytes, bool end = true) {
    writer_ = std::thread([this, bytes = std::move(bytes), end] {
      std::size_t sent = 0;
      while (sent < bytes.size()) {
        const ssize_t count =
            ::send(ends_[1], bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
        if (count <= 0) return;
        sent += static_cast<std::size_t>(count);
      }
      if (end) shutdown(ends_[1], SHUT_WR);
    });
  }

 private:
  std::array<int, 2> ends_{};
  std::thread writer_;
};

TEST_F(VideoSource, a_pipe_is_read_to_its_end) {
  for (const auto& [name, spec] : {std::pair("v.ts", mpeg4(12)), std::pair("v.mkv", mpeg4(12)),
                                   std::pair("v.mjpeg", mjpeg(12))}) {
    Pipe pipe;
    pipe.send(read_bytes(make(name, spec)));
    const Reading reading = read_all(pipe.uri());
    EXPECT_EQ(reading.numbers(), count_to(12)) << name;
    EXPECT_FALSE(reading.info.live);
  }
}

TEST_F(VideoSource, a_dash_is_standard_input_and_can_be_a_file_that_needs_seeking) {
  const std::string path = make("v.mp4", mpeg4(5));  // its index is at its end
  const int saved = dup(STDIN_FILENO);
  const int file = open(path.c_str(), O_RDONLY);
  ASSERT_GE(dup2(file, STDIN_FILENO), 0);
  close(file);
  const Reading reading = read_all("-");
  if (saved >= 0) {
    dup2(saved, STDIN_FILENO);
    close(saved);
  }
  EXPECT_EQ(reading.numbers(), count_to(5));
  EXPECT_EQ(reading.info.uri, "-");
}

TEST_F(VideoSource, a_named_pipe_is_read_like_a_file) {
  const std::string path = make("v.ts", mpeg4(4));
  const std::string fifo = folder_ / "fifo";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  std::thread writer([&] { write_bytes(fifo, read_bytes(path)); });
  const Reading reading = read_all(fifo);
  writer.join();
  EXPECT_EQ(reading.numbers(), count_to(4));
}

TEST_F(VideoSource, a_reader_that_waits_for_a_pipe_can_be_cancelled) {
  constexpr std::size_t kFrames = 200;
  VideoSpec spec{.encoder = "rawvideo", .pixel_format = "bgr24", .options = "", .count = kFrames};
  Pipe pipe;
  pipe.send(read_bytes(make("v.nut", spec)), false);
  auto opened = Source::open(pipe.uri(), 0, {});
  ASSERT_TRUE(opened.ok()) << opened.error().message;
  const std::unique_ptr<Source> source = *std::move(opened);
  // Nearly all that was sent: FFmpeg may hold the last frames until it knows what follows.
  for (std::size_t n = 0; n + 5 < kFrames; ++n) ASSERT_TRUE((*source->read()).has_value());
  // The stream stays open: without cancel() this thread would wait for ever.
  std::size_t more = 0;
  std::thread reader([&] {
    for (auto frame = source->read(); frame.ok() && frame->has_value(); frame = source->read()) {
      ++more;
    }
  });
  source->cancel();
  reader.join();
  EXPECT_LE(more, 5U);
  const auto after = source->read();
  ASSERT_TRUE(after.ok());
  EXPECT_FALSE(after->has_value());
}

TEST(PipeUri, has_to_name_an_open_descriptor) {
  EXPECT_EQ(open_error("pipe:stdin").code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(open_error("pipe:-1").code, ErrorCode::kInvalidArgument);
  const Error error = open_error("pipe:987654");
  EXPECT_EQ(error.code, ErrorCode::kIo);
  EXPECT_THAT(error.message, HasSubstr("pipe:987654: Bad file descriptor"));
}

TEST(PipeUri, that_gives_nothing_is_an_error) {
  Pipe pipe;
  pipe.send({});
  EXPECT_EQ(open_error(pipe.uri()).message, pipe.uri() + ": there is nothing in it");
}

/// Listens on the loopback device.
class Listener {
 public:
  Listener() : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    EXPECT_EQ(bind(socket_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(listen(socket_, 4), 0);
    EXPECT_EQ(getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
  }
  ~Listener() { close(socket_); }
  std::string url(const std::string& name) const {
    return "http://127.0.0.1:" + std::to_string(port_) + "/" + name;
  }
  /// Answers one request with `reply` and hangs up.
  std::thread answer(std::string reply) const {
    return std::thread([this, reply = std::move(reply)] {
      const int client = accept(socket_, nullptr, nullptr);
      std::array<char, 4096> request{};
      EXPECT_GT(recv(client, request.data(), request.size(), 0), 0);
      std::size_t sent = 0;
      while (sent < reply.size()) {
        const ssize_t count = send(client, reply.data() + sent, reply.size() - sent, MSG_NOSIGNAL);
        if (count <= 0) break;
        sent += static_cast<std::size_t>(count);
      }
      close(client);
    });
  }

 private:
  int socket_;
  int port_ = 0;
};

TEST_F(VideoSource, a_url_is_read_over_the_network) {
  const std::vector<char> bytes = read_bytes(make("v.mkv", mpeg4(7)));
  Listener listener;
  std::thread server = listener.answer(
      "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: video/x-matroska\r\n"
      "Content-Length: " +
      std::to_string(bytes.size()) + "\r\n\r\n" + std::string(bytes.begin(), bytes.end()));
  const Reading reading = read_all(listener.url("v.mkv"));
  server.join();
  EXPECT_EQ(reading.numbers(), count_to(7));
  EXPECT_FALSE(reading.info.live) << "a server's file has a known end";
}

TEST(Url, what_a_server_does_not_have_is_an_error) {
  Listener listener;
  std::thread server =
      listener.answer("HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  const Error error = open_error(listener.url("v.mkv"));
  server.join();
  EXPECT_EQ(error.code, ErrorCode::kNotFound);
  EXPECT_THAT(error.message, HasSubstr("404"));
}

TEST(Url, a_server_that_says_nothing_times_out) {
  Listener listener;  // accepts, as the kernel does so by itself, and never answers
  SourceOptions options;
  options.timeout = 50ms;
  const Error error = open_error(listener.url("v.mkv"), options);
  EXPECT_EQ(error.code, ErrorCode::kTimeout);
  EXPECT_THAT(error.message, HasSubstr("no answer for 50 ms"));
}

TEST(Url, an_unknown_scheme_is_an_error) {
  EXPECT_EQ(open_error("gopherish://host/v.mp4").code, ErrorCode::kUnsupported);
}

TEST(Url, a_refused_connection_is_the_systems_error) {
  std::string url;
  {
    Listener closed;
    url = closed.url("v.mp4");
  }
  const Error error = open_error(url);
  EXPECT_EQ(error.code, ErrorCode::kIo);
  EXPECT_THAT(error.message, HasSubstr("Connection refused"));
}

// --- errors
// ---------------------------------------------------------------------------------------

TEST(OpenError, names_a_file_that_is_not_there) {
  const Error error = open_error("/nowhere/v.mp4");
  EXPECT_EQ(error.code, ErrorCode::kNotFound);
  EXPECT_EQ(error.message, "no such file: /nowhere/v.mp4");
}

TEST(OpenError, tells_an_empty_file) {
  const TemporaryFolder folder;
  write_text(folder / "v.mp4", "");
  EXPECT_EQ(open_error(folder / "v.mp4").message, folder / "v.mp4" + ": the file is empty");
}

TEST(OpenError, tells_a_file_that_is_no_video) {
  const TemporaryFolder folder;
  for (const char* name : {"notes.txt", "notes.mp4", "notes", "notes.bin"}) {
    write_text(folder / name, "Dear diary,\nnothing happened today.\n");
    const Error error = open_error(folder / name);
    EXPECT_EQ(error.code, ErrorCode::kCorrupt);
    EXPECT_THAT(
        error.message,
        ::testing::StartsWith(folder / name + ": not a video or picture that FFmpeg can read"));
  }
}

TEST(OpenError, tells_a_file_that_may_not_be_read) {
  if (geteuid() == 0) GTEST_SKIP() << "root may read everything";
  const TemporaryFolder folder;
  write_text(folder / "v.mp4", "x");
  chmod((folder / "v.mp4").c_str(), 0);
  const Error error = open_error(folder / "v.mp4");
  EXPECT_EQ(error.code, ErrorCode::kIo);
  EXPECT_EQ(error.message, folder / "v.mp4" + ": Permission denied");
}

TEST(OpenError, tells_options_out_of_their_range) {
  SourceOptions options;
  options.vid_stride = 0;
  EXPECT_EQ(open_error("v.mp4", options).message, "vid_stride has to be 1 or more, not 0");
  options = {};
  options.threads = 0;
  EXPECT_EQ(open_error("v.mp4", options).code, ErrorCode::kInvalidArgument);
  options = {};
  options.timeout = 0ms;
  EXPECT_EQ(open_error("v.mp4", options).code, ErrorCode::kInvalidArgument);
  options = {};
  options.max_pixels = 0;
  EXPECT_EQ(open_error("v.mp4", options).code, ErrorCode::kInvalidArgument);
}

TEST_F(VideoSource, a_header_without_frames_is_an_error) {
  const std::string path = make("v.avi", mjpeg(2));
  std::vector<char> bytes = read_bytes(path);
  const std::string movi = "movi";
  bytes.erase(std::search(bytes.begin(), bytes.end(), movi.begin(), movi.end()) + 4, bytes.end());
  write_bytes(path, bytes);
  const Error error = open_error(path);
  EXPECT_EQ(error.code, ErrorCode::kCorrupt);
  EXPECT_THAT(error.message, HasSubstr("v.avi"));
}

// --- a real recording
// -----------------------------------------------------------------------------

TEST(RealRecording, pedestrians_are_read_whole) {
  const char* set = std::getenv("OSPREY_VTEST_AVI");
  const std::string path = set ? set : "/usr/share/doc/opencv-doc/examples/data/vtest.avi";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "no " << path << " (set OSPREY_VTEST_AVI)";
  auto source = Source::open(path, 0, {});
  ASSERT_TRUE(source.ok()) << source.error().message;
  EXPECT_EQ((*source)->info().width, 768);
  EXPECT_EQ((*source)->info().height, 576);
  EXPECT_EQ((*source)->info().frame_count, 795);
  EXPECT_EQ((*source)->info().frame_rate, 10);
  int count = 0;
  for (;;) {
    const auto frame = (*source)->read();
    ASSERT_TRUE(frame.ok());
    if (!frame->has_value()) break;
    ASSERT_EQ((*frame)->image.format, PixelFormat::kI420);
    ASSERT_EQ((*frame)->timestamp.since_origin, count * 100ms);
    ++count;
  }
  EXPECT_EQ(count, 795);
  EXPECT_EQ((*source)->health().damaged, 0U);
}

}  // namespace
}  // namespace osprey::media
