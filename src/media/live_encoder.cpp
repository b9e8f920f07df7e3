// SPDX-License-Identifier: Apache-2.0
#include "media/live_encoder.hpp"

#include <libyuv/convert_from.h>

#include <algorithm>
#include <new>
#include <utility>
#include <vector>

#include "base/try.hpp"
#include "media/encoder_input.hpp"

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavutil/buffer.h>
#include <libavutil/hwcontext.h>
#include <libavutil/opt.h>
}

namespace osprey::media {
namespace {

constexpr int kDefaultBitRate = 2'000'000;
constexpr double kQuality = 23;           // x264's "crf"
constexpr int kLargestKeyDistance = 250;  // frames; the caller asks for key frames more often

struct UnrefBuffer {
  void operator()(AVBufferRef* buffer) const { av_buffer_unref(&buffer); }
};
using BufferRef = std::unique_ptr<AVBufferRef, UnrefBuffer>;

std::vector<const AVCodec*> h264_encoders() {
  std::vector<const AVCodec*> found;
  void* place = nullptr;
  while (const AVCodec* codec = av_codec_iterate(&place)) {
    if (av_codec_is_encoder(codec) && codec->id == AV_CODEC_ID_H264) found.push_back(codec);
  }
  std::stable_partition(found.begin(), found.end(),
                        [](const AVCodec* codec) { return std::string("libx264") == codec->name; });
  return found;
}

bool takes(const AVCodec& codec, AVPixelFormat format) {
  if (!codec.pix_fmts) return format == AV_PIX_FMT_YUV420P;
  for (const AVPixelFormat* known = codec.pix_fmts; *known != AV_PIX_FMT_NONE; ++known) {
    if (*known == format) return true;
  }
  return false;
}

/// The memory of a device that takes frames of nowhere else; null if it takes frames of ours.
const AVCodecHWConfig* device_of(const AVCodec& codec) {
  if (takes(codec, AV_PIX_FMT_YUV420P) || takes(codec, AV_PIX_FMT_NV12)) return nullptr;
  for (int n = 0; const AVCodecHWConfig* config = avcodec_get_hw_config(&codec, n); ++n) {
    if ((config->methods & AV_CODEC_HW_CONFIG_METHOD_HW_FRAMES_CTX) != 0) return config;
  }
  return nullptr;
}

class H264Encoder final : public LiveEncoder {
 public:
  /// A negative code of FFmpeg if it cannot be opened.
  int open(const AVCodec& codec, int width, int height, const LiveEncoderOptions& options) {
    encoder_.reset(avcodec_alloc_context3(&codec));
    if (!encoder_) throw std::bad_alloc();
    set_picture(*encoder_, width, height);
    encoder_->time_base = {1, kLiveTicksPerSecond};
    encoder_->framerate = av_d2q(options.frame_rate, 1'001'000);
    encoder_->thread_count = options.threads;
    encoder_->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    encoder_->gop_size = kLargestKeyDistance;
    encoder_->max_b_frames = 0;
    // Encoders without these options keep their own defaults.
    const bool has_quality = av_opt_set_double(encoder_->priv_data, "crf", kQuality, 0) >= 0;
    if (options.bit_rate > 0 || !has_quality) {
      if (has_quality) av_opt_set_double(encoder_->priv_data, "crf", -1, 0);
      encoder_->bit_rate = options.bit_rate > 0 ? options.bit_rate : kDefaultBitRate;
      encoder_->rc_max_rate = encoder_->bit_rate;
      encoder_->rc_buffer_size = static_cast<int>(encoder_->bit_rate);
    }
    av_opt_set(encoder_->priv_data, "preset", options.preset.c_str(), 0);
    av_opt_set(encoder_->priv_data, "tune", "zerolatency", 0);
    av_opt_set(encoder_->priv_data, "forced-idr", "1", 0);
    const int code = prepare_memory(codec);
    return code < 0 ? code : avcodec_open2(encoder_.get(), &codec, nullptr);
  }

  Status encode(const Image& image, std::int64_t ticks, bool key,
                const std::function<Status(AVPacket&)>& take) override {
    AvPtr<AVFrame> frame = OSPREY_TRY(input_.convert(image));
    if (as_nv12_) frame = to_nv12(*frame);
    if (device_frames_) frame = OSPREY_TRY(upload(*frame));
    frame->pts = ticks;
    frame->color_range = encoder_->color_range;
    frame->colorspace = encoder_->colorspace;
    frame->pict_type = key ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE;
    OSPREY_TRY(check(avcodec_send_frame(encoder_.get(), frame.get())));
    for (;;) {
      const int code = avcodec_receive_packet(encoder_.get(), packet_.get());
      if (code == AVERROR(EAGAIN) || code == AVERROR_EOF) return {};
      OSPREY_TRY(check(code));
      Status taken = take(*packet_);
      av_packet_unref(packet_.get());
      OSPREY_TRY(std::move(taken));
    }
  }

  const AVCodecContext& context() const override { return *encoder_; }
  std::string name() const override { return encoder_->codec->name; }

 private:
  int prepare_memory(const AVCodec& codec) {
    if (takes(codec, AV_PIX_FMT_YUV420P)) return 0;
    as_nv12_ = true;
    const AVCodecHWConfig* config = device_of(codec);
    if (!config) {
      encoder_->pix_fmt = AV_PIX_FMT_NV12;
      return 0;
    }
    AVBufferRef* device = nullptr;
    const int code = av_hwdevice_ctx_create(&device, config->device_type, nullptr, nullptr, 0);
    if (code < 0) return code;
    device_.reset(device);
    device_frames_.reset(av_hwframe_ctx_alloc(device));
    if (!device_frames_) throw std::bad_alloc();
    auto& frames = *reinterpret_cast<AVHWFramesContext*>(device_frames_->data);
    frames.format = config->pix_fmt;
    frames.sw_format = AV_PIX_FMT_NV12;
    frames.width = encoder_->width;
    frames.height = encoder_->height;
    frames.initial_pool_size = 8;
    encoder_->pix_fmt = config->pix_fmt;
    encoder_->hw_frames_ctx = av_buffer_ref(device_frames_.get());
    return av_hwframe_ctx_init(device_frames_.get());
  }

  AvPtr<AVFrame> to_nv12(const AVFrame& from) {
    AvPtr<AVFrame> frame = nv12_pool_.get(AV_PIX_FMT_NV12, from.width, from.height);
    libyuv::I420ToNV12(from.data[0], from.linesize[0], from.data[1], from.linesize[1], from.data[2],
                       from.linesize[2], frame->data[0], frame->linesize[0], frame->data[1],
                       frame->linesize[1], from.width, from.height);
    return frame;
  }

  Result<AvPtr<AVFrame>> upload(const AVFrame& from) const {
    AvPtr<AVFrame> frame = make_frame();
    OSPREY_TRY(check(av_hwframe_get_buffer(device_frames_.get(), frame.get(), 0)));
    OSPREY_TRY(check(av_hwframe_transfer_data(frame.get(), &from, 0)));
    return frame;
  }

  Status check(int code) const {
    if (code >= 0) return {};
    return Error{ErrorCode::kUnavailable, name() + ": " + av_error_text(code)};
  }

  BufferRef device_, device_frames_;
  AvPtr<AVCodecContext> encoder_;
  AvPtr<AVPacket> packet_ = make_packet();
  EncoderInput input_;
  PicturePool nv12_pool_;
  bool as_nv12_ = false;
};

}  // namespace

Status check_live_encoder(const LiveEncoderOptions& options) {
  if (options.encoder.empty()) return {};
  std::string known;
  for (const AVCodec* codec : h264_encoders()) {
    if (options.encoder == codec->name) return {};
    known += (known.empty() ? "" : ", ") + std::string(codec->name);
  }
  return Error{ErrorCode::kUnsupported, "\"" + options.encoder +
                                            "\": this FFmpeg has no such encoder for H.264: "
                                            "expected one of " +
                                            (known.empty() ? "none" : known)};
}

Result<std::unique_ptr<LiveEncoder>> LiveEncoder::open(int width, int height,
                                                       const LiveEncoderOptions& options) {
  silence_av();
  OSPREY_TRY(check_live_encoder(options));
  std::string why;
  for (const AVCodec* codec : h264_encoders()) {
    if (!options.encoder.empty() && options.encoder != codec->name) continue;
    auto encoder = std::make_unique<H264Encoder>();
    const int code = encoder->open(*codec, width, height, options);
    if (code >= 0) return std::unique_ptr<LiveEncoder>(std::move(encoder));
    why += std::string(why.empty() ? "" : ", ") + codec->name + ": " + av_error_text(code);
  }
  return Error{ErrorCode::kUnsupported, "no encoder for H.264 can be opened for " +
                                            std::to_string(width) + "x" + std::to_string(height) +
                                            (why.empty() ? "" : " (" + why + ")")};
}

}  // namespace osprey::media
