// SPDX-License-Identifier: Apache-2.0
#include "media/video_decoder.hpp"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "media/source.hpp"
#include "media/test_pictures.hpp"

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/frame.h>
}

namespace osprey::media {
namespace {

using namespace testing_support;
using ::testing::HasSubstr;

constexpr unsigned kCount = 20;

class VideoDecoders : public ::testing::Test {
 protected:
  void SetUp() override {
    silence_av();
    ASSERT_TRUE(
        make_video(path_, {.encoder = "mpeg4", .options = "qmin=2,qmax=2", .count = kCount}));
    ASSERT_EQ(avformat_open_input(&container_, path_.c_str(), nullptr, nullptr), 0);
    ASSERT_GE(avformat_find_stream_info(container_, nullptr), 0);
  }
  void TearDown() override { avformat_close_input(&container_); }

  /// Frames that come out if `decoder` gets all packets.
  unsigned decode(VideoDecoder& decoder) {
    unsigned frames = 0;
    const auto receive = [&] {
      const AvPtr<AVFrame> frame = make_frame();
      while (decoder.receive(*frame) >= 0) ++frames;
    };
    const AvPtr<AVPacket> packet = make_packet();
    while (av_read_frame(container_, packet.get()) >= 0) {
      decoder.send(packet.get());
      av_packet_unref(packet.get());
      receive();
    }
    decoder.send(nullptr);
    receive();
    return frames;
  }

  const TemporaryFolder folder_;
  const std::string path_ = folder_ / "v.avi";
  AVFormatContext* container_ = nullptr;
};

const VideoDecoder::Options kPlain{.max_pixels = 1 << 20};

TEST_F(VideoDecoders, one_that_fails_before_its_first_frame_gives_way_and_no_frame_is_lost) {
  for (const char* const wrong : {"h264", "hevc", "vp8"}) {
    SCOPED_TRACE(wrong);
    ASSERT_GE(av_seek_frame(container_, -1, 0, AVSEEK_FLAG_BACKWARD), 0);
    auto decoder = VideoDecoder::open("v", *container_->streams[0], kPlain,
                                      {{"none_of_this_name", ""}, {wrong, ""}, {"mpeg4", ""}});
    ASSERT_TRUE(decoder.ok()) << decoder.error().message;
    EXPECT_EQ((*decoder)->name(), std::string(wrong) + " (software)");
    EXPECT_EQ(decode(**decoder), kCount);
    EXPECT_EQ((*decoder)->name(), "mpeg4 (software)");
  }
}

TEST_F(VideoDecoders, auto_finds_one_and_says_which) {
  auto decoder = VideoDecoder::open("v", *container_->streams[0], kPlain);
  ASSERT_TRUE(decoder.ok());
  EXPECT_EQ((*decoder)->name(), "mpeg4 (software)");
  EXPECT_EQ(decode(**decoder), kCount);
}

TEST_F(VideoDecoders, a_name_that_ffmpeg_does_not_have_is_an_error_that_lists_those_it_has) {
  auto options = kPlain;
  options.decoder = "flux";
  auto decoder = VideoDecoder::open("v.avi", *container_->streams[0], options);
  ASSERT_FALSE(decoder.ok());
  EXPECT_EQ(decoder.error().code, ErrorCode::kUnsupported);
  EXPECT_THAT(decoder.error().message,
              HasSubstr("v.avi: this FFmpeg has no decoder 'flux' for mpeg4; expected auto, "
                        "software"));
}

TEST_F(VideoDecoders, a_device_that_is_not_there_is_an_error_where_it_was_asked_for) {
  auto decoder =
      VideoDecoder::open("v.avi", *container_->streams[0], kPlain, {{"mpeg4", "opencl"}});
  if (decoder.ok()) GTEST_SKIP() << "this machine has OpenCL";
  EXPECT_THAT(decoder.error().message,
              HasSubstr("v.avi: the decoder mpeg4 (opencl) cannot be opened: "));
}

}  // namespace
}  // namespace osprey::media
