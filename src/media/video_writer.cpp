// SPDX-License-Identifier: Apache-2.0
#include "media/video_writer.hpp"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <new>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "base/io_error.hpp"
#include "base/temporary_file.hpp"
#include "base/try.hpp"
#include "media/av_handles.hpp"
#include "media/encoder_input.hpp"
#include "media/muxed_file.hpp"

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/mathematics.h>
#include <libavutil/opt.h>
}

namespace osprey::media {
namespace {

/// The periods of 24, 25, 30, 50, 60 and their NTSC frames a second, and the 90 kHz ticks of MPEG
/// streams, are all whole numbers of it.
constexpr int kTicksPerSecond = 360'000;
/// MPEG-4's own clock has 16 bits.
constexpr int kMpeg4TicksPerSecond = 60'000;

/// H.264 encoders, the best first, then MPEG-4's.
std::vector<const AVCodec*> candidate_encoders() {
  std::vector<const AVCodec*> found;
  const auto add = [&](const AVCodec* codec) {
    if (codec && std::find(found.begin(), found.end(), codec) == found.end())
      found.push_back(codec);
  };
  add(avcodec_find_encoder_by_name("libx264"));
  void* place = nullptr;
  while (const AVCodec* codec = av_codec_iterate(&place)) {
    if (av_codec_is_encoder(codec) && codec->id == AV_CODEC_ID_H264) add(codec);
  }
  add(avcodec_find_encoder(AV_CODEC_ID_MPEG4));
  return found;
}

/// Null, and `why`, if the encoder cannot be opened: a hardware one without its hardware, say.
AvPtr<AVCodecContext> open_encoder(const AVCodec& codec, int width, int height,
                                   const VideoWriterOptions& options, std::string& why) {
  AvPtr<AVCodecContext> encoder(avcodec_alloc_context3(&codec));
  if (!encoder) throw std::bad_alloc();
  set_picture(*encoder, width, height);
  encoder->time_base = {1, codec.id == AV_CODEC_ID_MPEG4 ? kMpeg4TicksPerSecond : kTicksPerSecond};
  encoder->framerate = av_d2q(options.frame_rate, 1'001'000);
  encoder->thread_count = options.threads;
  encoder->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
  if (codec.id == AV_CODEC_ID_MPEG4) {
    encoder->flags |= AV_CODEC_FLAG_QSCALE;
    encoder->global_quality = 4 * FF_QP2LAMBDA;
  }
  // Encoders without these options keep their own defaults.
  av_opt_set(encoder->priv_data, "preset", "veryfast", 0);
  av_opt_set(encoder->priv_data, "crf", "23", 0);
  const int code = avcodec_open2(encoder.get(), &codec, nullptr);
  if (code >= 0) return encoder;
  why += std::string(why.empty() ? "" : ", ") + codec.name + ": " + av_error_text(code);
  return nullptr;
}

class Mp4Writer final : public VideoWriter {
 public:
  Mp4Writer(const std::string& path, int width, int height, const VideoWriterOptions& options,
            base::TemporaryFile file)
      : width_(width), height_(height), options_(options), file_(path, std::move(file)) {}

  Status open() {
    std::string why;
    for (const AVCodec* codec : candidate_encoders()) {
      encoder_ = open_encoder(*codec, width_, height_, options_, why);
      if (encoder_) break;
    }
    if (!encoder_) {
      return Error{ErrorCode::kUnsupported, "cannot write " + file_.path() +
                                                ": this FFmpeg has no encoder for H.264 or MPEG-4" +
                                                (why.empty() ? "" : " (" + why + ")")};
    }
    const double ticks = encoder_->time_base.den / options_.frame_rate;
    period_ = std::max<std::int64_t>(1, std::llround(ticks));

    OSPREY_TRY(file_.open("mp4"));
    AVStream& stream = file_.stream();
    stream.time_base = encoder_->time_base;
    stream.avg_frame_rate = encoder_->framerate;
    OSPREY_TRY(file_.check(avcodec_parameters_from_context(stream.codecpar, encoder_.get())));
    return file_.begin();
  }

  Status write(const Image& image, Timestamp timestamp) override {
    if (file_.failure()) return *file_.failure();
    if (image.width != width_ || image.height != height_) {
      return Error{ErrorCode::kInvalidArgument,
                   file_.path() + ": a frame of " + std::to_string(image.width) + "x" +
                       std::to_string(image.height) + ", expected " + std::to_string(width_) + "x" +
                       std::to_string(height_)};
    }
    AvPtr<AVFrame> frame = OSPREY_TRY(input_.convert(image));
    frame->pts = ticks_of(timestamp);
    frame->color_range = encoder_->color_range;
    frame->colorspace = encoder_->colorspace;
    return file_.remember(encode(frame.get()));
  }

  Status finish() override {
    if (file_.failure()) return *file_.failure();
    OSPREY_TRY(file_.remember(encode(nullptr)));
    return file_.complete();
  }

 private:
  std::int64_t ticks_of(Timestamp timestamp) {
    if (!first_) first_ = timestamp;
    const std::int64_t ticks =
        av_rescale((timestamp - *first_).count(), encoder_->time_base.den, 1'000'000'000);
    last_ticks_ = last_ticks_ && ticks <= *last_ticks_ ? *last_ticks_ + period_ : ticks;
    return *last_ticks_;
  }

  /// Null for `frame`: the encoder gives what it still holds.
  Status encode(const AVFrame* frame) {
    OSPREY_TRY(file_.check(avcodec_send_frame(encoder_.get(), frame)));
    for (;;) {
      const int code = avcodec_receive_packet(encoder_.get(), packet_.get());
      if (code == AVERROR(EAGAIN) || code == AVERROR_EOF) return {};
      OSPREY_TRY(file_.check(code));
      packet_->duration = period_;  // the container uses the last one's
      av_packet_rescale_ts(packet_.get(), encoder_->time_base, file_.stream().time_base);
      OSPREY_TRY(file_.write(*packet_));
    }
  }

  int width_;
  int height_;
  VideoWriterOptions options_;
  MuxedFile file_;
  AvPtr<AVCodecContext> encoder_;
  AvPtr<AVPacket> packet_ = make_packet();
  EncoderInput input_;
  std::int64_t period_ = 1;
  std::optional<Timestamp> first_;
  std::optional<std::int64_t> last_ticks_;
};

}  // namespace

Result<std::unique_ptr<VideoWriter>> VideoWriter::create(const std::string& path, int width,
                                                         int height,
                                                         const VideoWriterOptions& options) {
  const auto wrong = [&](const std::string& what) {
    return Error{ErrorCode::kInvalidArgument, path + ": " + what};
  };
  if (width < 1 || height < 1) {
    return wrong("a video of " + std::to_string(width) + "x" + std::to_string(height) + " pixels");
  }
  if (!(options.frame_rate > 0) || !std::isfinite(options.frame_rate)) {
    return wrong("frame_rate has to be above 0, not " + std::to_string(options.frame_rate));
  }
  if (options.threads < 1) {
    return wrong("threads has to be 1 or more, not " + std::to_string(options.threads));
  }
  silence_av();
  const std::string failure = "cannot write " + path;
  const auto folder = std::filesystem::path(path).parent_path();
  std::error_code ignored;
  if (!folder.empty() &&
      std::filesystem::status(folder, ignored).type() == std::filesystem::file_type::not_found) {
    return Error{ErrorCode::kNotFound, base::io_error(failure, ENOENT).message};
  }
  base::TemporaryFile file = OSPREY_TRY(base::TemporaryFile::create(path, failure));
  auto writer = std::make_unique<Mp4Writer>(path, width, height, options, std::move(file));
  OSPREY_TRY(writer->open());
  return std::unique_ptr<VideoWriter>(std::move(writer));
}

}  // namespace osprey::media
