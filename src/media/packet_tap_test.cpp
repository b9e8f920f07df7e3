// SPDX-License-Identifier: Apache-2.0
#include "media/packet_tap.hpp"

#include <gmock/gmock.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "media/source.hpp"
#include "media/test_pictures.hpp"

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
}

namespace osprey::media {
namespace {

using namespace testing_support;

struct Seen final : PacketTap {
  void opened(const AVStream& stream) override {
    codecs.push_back(stream.codecpar->codec_id);
    ticks_per_second = stream.time_base.den / stream.time_base.num;
  }
  void packet(const AVPacket& packet) override {
    EXPECT_EQ(codecs.size(), 1U) << "a packet before its stream";
    milliseconds.push_back(packet.pts * 1000 / ticks_per_second);
    bytes += static_cast<std::size_t>(packet.size);
  }

  std::vector<AVCodecID> codecs;
  std::vector<std::int64_t> milliseconds;
  std::int64_t ticks_per_second = 1;
  std::size_t bytes = 0;
};

TEST(PacketTap, sees_every_packet_of_a_video_also_those_that_a_stride_leaves_out) {
  const TemporaryFolder folder;
  const VideoSpec spec{.encoder = "mpeg4", .options = "qmin=2,qmax=2", .count = 7};
  ASSERT_TRUE(make_video(folder / "v.mp4", spec));
  SourceOptions options;
  options.vid_stride = 3;
  const auto seen = std::make_shared<Seen>();
  options.tap = seen;
  auto source = Source::open(folder / "v.mp4", 0, options);
  ASSERT_TRUE(source.ok()) << source.error().message;
  int frames = 0;
  for (auto frame = (*source)->read(); frame.ok() && *frame; frame = (*source)->read()) ++frames;
  EXPECT_EQ(frames, 3);
  EXPECT_THAT(seen->codecs, testing::ElementsAre(AV_CODEC_ID_MPEG4));
  EXPECT_THAT(seen->milliseconds, testing::ElementsAre(0, 100, 200, 300, 400, 500, 600));
  EXPECT_GT(seen->bytes, 1000U);
}

}  // namespace
}  // namespace osprey::media
