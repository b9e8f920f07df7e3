// SPDX-License-Identifier: Apache-2.0
// Makes the videos that other tests read.
#include <gtest/gtest.h>

#include <memory>

#include "media/av_handles.hpp"
#include "media/test_pictures.hpp"

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/dict.h>
#include <libavutil/display.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>
}

/// libx265 3.5 does not free all of an encoder; the sanitizer asks here what to overlook.
extern "C" __attribute__((visibility("default"))) const char* __lsan_default_suppressions() {
  return "leak:libx265";
}

namespace osprey::media::testing_support {
namespace {

constexpr int kTicksPerSecond = 1000;
constexpr int kFramesPerSecond = 10;

struct CloseMuxer {
  void operator()(AVFormatContext* muxer) const {
    avio_closep(&muxer->pb);
    avformat_free_context(muxer);
  }
};

AVDictionary* parse(const std::string& options) {
  AVDictionary* entries = nullptr;
  EXPECT_EQ(av_dict_parse_string(&entries, options.c_str(), "=", ",", 0), 0);
  return entries;
}

void drain(AVCodecContext& encoder, AVFormatContext& muxer) {
  const AvPtr<AVPacket> packet = make_packet();
  while (avcodec_receive_packet(&encoder, packet.get()) == 0) {
    packet->duration = encoder.time_base.den / kFramesPerSecond / encoder.time_base.num;
    av_packet_rescale_ts(packet.get(), encoder.time_base, muxer.streams[0]->time_base);
    ASSERT_GE(av_interleaved_write_frame(&muxer, packet.get()), 0);
  }
}

}  // namespace

bool make_video(const std::string& path, const VideoSpec& spec) {
  silence_av();
  const AVCodec* codec = avcodec_find_encoder_by_name(spec.encoder.c_str());
  if (!codec) return false;

  AVFormatContext* allocated = nullptr;
  avformat_alloc_output_context2(&allocated, nullptr, nullptr, path.c_str());
  const std::unique_ptr<AVFormatContext, CloseMuxer> muxer(allocated);
  const AvPtr<AVCodecContext> encoder(avcodec_alloc_context3(codec));
  encoder->width = spec.width;
  encoder->height = spec.height;
  encoder->pix_fmt = av_get_pix_fmt(spec.pixel_format.c_str());
  // MPEG-4 and AVI count in frames where they can.
  encoder->time_base =
      spec.milliseconds.empty() ? AVRational{1, kFramesPerSecond} : AVRational{1, kTicksPerSecond};
  encoder->framerate = {kFramesPerSecond, 1};
  encoder->thread_count = 1;
  if (spec.bt709_full_range) {
    encoder->colorspace = AVCOL_SPC_BT709;
    encoder->color_range = AVCOL_RANGE_JPEG;
  }
  if (muxer->oformat->flags & AVFMT_GLOBALHEADER) encoder->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
  AVDictionary* options = parse(spec.options);
  EXPECT_GE(avcodec_open2(encoder.get(), codec, &options), 0) << spec.encoder;
  EXPECT_EQ(av_dict_count(options), 0) << "an option that " << spec.encoder << " does not know";
  av_dict_free(&options);

  AVStream* stream = avformat_new_stream(muxer.get(), nullptr);
  stream->time_base = encoder->time_base;
  stream->avg_frame_rate = encoder->framerate;
  avcodec_parameters_from_context(stream->codecpar, encoder.get());
  if (spec.rotation != 0) {
    auto* matrix = reinterpret_cast<std::int32_t*>(
        av_stream_new_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, 9 * sizeof(std::int32_t)));
    av_display_rotation_set(matrix, spec.rotation);
  }
  AVDictionary* muxer_options = parse(spec.muxer_options);
  EXPECT_GE(avio_open(&muxer->pb, path.c_str(), AVIO_FLAG_WRITE), 0);
  EXPECT_GE(avformat_write_header(muxer.get(), &muxer_options), 0);
  av_dict_free(&muxer_options);

  const bool full = spec.bt709_full_range || spec.pixel_format.starts_with("yuvj");
  const AvPtr<SwsContext> scaler(
      sws_getContext(spec.width, spec.height, AV_PIX_FMT_BGR24, spec.width, spec.height,
                     encoder->pix_fmt, SWS_BICUBIC | SWS_ACCURATE_RND, nullptr, nullptr, nullptr));
  const int* matrix = sws_getCoefficients(spec.bt709_full_range ? SWS_CS_ITU709 : SWS_CS_ITU601);
  sws_setColorspaceDetails(scaler.get(), sws_getCoefficients(SWS_CS_DEFAULT), 1, matrix, full, 0,
                           1 << 16, 1 << 16);
  for (unsigned n = 0; n < spec.count; ++n) {
    const Image picture = numbered_picture(spec.width, spec.height, n);
    const AvPtr<AVFrame> frame = make_frame();
    frame->format = encoder->pix_fmt;
    frame->width = spec.width;
    frame->height = spec.height;
    frame->pts = spec.milliseconds.empty() ? n : spec.milliseconds.at(n);
    frame->color_range = encoder->color_range;
    frame->colorspace = encoder->colorspace;
    EXPECT_EQ(av_frame_get_buffer(frame.get(), 0), 0);
    const std::uint8_t* const planes[] = {picture.planes[0].data, nullptr, nullptr, nullptr};
    const int strides[] = {picture.planes[0].stride, 0, 0, 0};
    sws_scale(scaler.get(), planes, strides, 0, spec.height, frame->data, frame->linesize);
    EXPECT_EQ(avcodec_send_frame(encoder.get(), frame.get()), 0);
    drain(*encoder, *muxer);
  }
  EXPECT_EQ(avcodec_send_frame(encoder.get(), nullptr), 0);
  drain(*encoder, *muxer);
  EXPECT_EQ(av_write_trailer(muxer.get()), 0);
  return true;
}

}  // namespace osprey::media::testing_support
