// SPDX-License-Identifier: Apache-2.0
#include "media/video_source.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <new>
#include <utility>

#include "base/try.hpp"
#include "media/av_handles.hpp"
#include "media/demuxer.hpp"
#include "media/frame_converter.hpp"
#include "media/media_clock.hpp"
#include "media/orientation.hpp"

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/display.h>
}

namespace osprey::media {
namespace {

/// A decoder may fail this often without taking a packet or giving a frame before it counts as
/// stuck. Frame threads that are drained fail once each.
constexpr int kMaxDecoderFailures = 1000;

AVRational frame_rate_of(const AVStream& stream) {
  return stream.avg_frame_rate.num > 0 && stream.avg_frame_rate.den > 0 ? stream.avg_frame_rate
                                                                        : stream.r_frame_rate;
}

MediaClock make_clock(const AVStream& stream) {
  const AVRational rate = frame_rate_of(stream);
  return {{stream.time_base.num, stream.time_base.den}, {rate.num, rate.den}};
}

Orientation read_matrix(const std::uint8_t* data) {
  std::array<std::int32_t, 9> matrix{};
  std::copy_n(data, sizeof(matrix), reinterpret_cast<std::uint8_t*>(matrix.data()));
  return orientation_of(matrix);
}

std::optional<Orientation> container_orientation(const AVStream& stream) {
  std::size_t size = 0;
  const std::uint8_t* data = av_stream_get_side_data(&stream, AV_PKT_DATA_DISPLAYMATRIX, &size);
  if (!data || size < 9 * sizeof(std::int32_t)) return std::nullopt;
  return read_matrix(data);
}

Orientation frame_orientation(const AVFrame& frame) {
  const AVFrameSideData* side = av_frame_get_side_data(&frame, AV_FRAME_DATA_DISPLAYMATRIX);
  if (!side || side->size < 9 * sizeof(std::int32_t)) return {};
  return read_matrix(side->data);
}

std::optional<std::int64_t> known(std::int64_t ticks) {
  return ticks == AV_NOPTS_VALUE ? std::nullopt : std::optional(ticks);
}

class VideoSource final : public Source {
 public:
  static Result<std::unique_ptr<Source>> create(const std::string& uri,
                                                std::unique_ptr<Demuxer> demuxer,
                                                std::uint32_t stream,
                                                const SourceOptions& options) {
    std::unique_ptr<VideoSource> source(new VideoSource(uri, std::move(demuxer), stream, options));
    OSPREY_TRY(source->open_decoder(options));
    if (options.tap) options.tap->opened(source->demuxer_->stream());
    OSPREY_TRY(source->start());
    return std::unique_ptr<Source>(std::move(source));
  }

  const StreamInfo& info() const override { return info_; }

  Result<std::optional<Frame>> read() override {
    if (demuxer_->cancelled()) return std::optional<Frame>();
    if (first_) return std::exchange(first_, std::nullopt);
    return next();
  }

  SourceHealth health() const override { return health_; }
  void cancel() override { demuxer_->cancel(); }

 private:
  VideoSource(const std::string& uri, std::unique_ptr<Demuxer> demuxer, std::uint32_t stream,
              const SourceOptions& options)
      : demuxer_(std::move(demuxer)),
        tap_(options.tap),
        vid_stride_(options.vid_stride),
        clock_(make_clock(demuxer_->stream())),
        container_orientation_(container_orientation(demuxer_->stream())) {
    const AVStream& video = demuxer_->stream();
    info_.index = stream;
    info_.uri = uri;
    info_.live = demuxer_->is_live();
    const AVRational rate = frame_rate_of(video);
    if (rate.num > 0 && rate.den > 0) info_.frame_rate = av_q2d(rate) / vid_stride_;
    if (video.nb_frames > 0) info_.frame_count = (video.nb_frames - 1) / vid_stride_ + 1;
  }

  Status open_decoder(const SourceOptions& options) {
    const AVStream& video = demuxer_->stream();
    const std::string codec_name = avcodec_get_name(video.codecpar->codec_id);
    const AVCodec* codec = avcodec_find_decoder(video.codecpar->codec_id);
    if (!codec) {
      return Error{ErrorCode::kUnsupported,
                   info_.uri + ": this FFmpeg has no decoder for " + codec_name};
    }
    decoder_.reset(avcodec_alloc_context3(codec));
    if (!decoder_) throw std::bad_alloc();
    int code = avcodec_parameters_to_context(decoder_.get(), video.codecpar);
    if (code >= 0) {
      decoder_->pkt_timebase = video.time_base;
      decoder_->thread_count = options.threads;
      decoder_->thread_type = FF_THREAD_FRAME | FF_THREAD_SLICE;
      decoder_->max_pixels = options.max_pixels;
      // Else FFmpeg leaves columns that are to be cropped at the left, to keep rows aligned.
      decoder_->flags |= AV_CODEC_FLAG_UNALIGNED;
      code = avcodec_open2(decoder_.get(), codec, nullptr);
    }
    if (code < 0) {
      return Error{ErrorCode::kCorrupt, info_.uri + ": the decoder for " + codec_name +
                                            " cannot be opened: " + av_error_text(code)};
    }
    return {};
  }

  /// Decodes the first frame.
  Status start() {
    first_ = OSPREY_TRY(next());
    if (!first_) {
      return Error{ErrorCode::kCorrupt,
                   health_.damaged > 0 ? health_.first_damage + ", and no frame could be decoded"
                                       : info_.uri + ": no frame in it"};
    }
    info_.width = first_->image.width;
    info_.height = first_->image.height;
    return {};
  }

  Result<std::optional<Frame>> next() {
    for (;;) {
      AvPtr<AVFrame> decoded = OSPREY_TRY(decode());
      if (!decoded) return std::optional<Frame>();
      note_frame(*decoded);
      const Timestamp timestamp = clock_.next(known(decoded->best_effort_timestamp));
      if (decoded_++ % static_cast<std::uint64_t>(vid_stride_) != 0) continue;

      const Orientation orientation =
          container_orientation_ ? *container_orientation_ : frame_orientation(*decoded);
      Result<Image> image = converter_.convert(std::move(decoded), orientation);
      if (!image) {
        ended_ = true;
        return Error{image.error().code, info_.uri + ": " + image.error().message};
      }
      Frame frame;
      frame.id = {info_.index, sequence_++};
      frame.timestamp = timestamp;
      frame.image = *std::move(image);
      return std::optional(std::move(frame));
    }
  }

  /// The decoder's next frame; null at the end.
  Result<AvPtr<AVFrame>> decode() {
    AvPtr<AVFrame> frame = make_frame();
    while (!ended_ && !demuxer_->cancelled()) {
      const int code = avcodec_receive_frame(decoder_.get(), frame.get());
      if (code >= 0) {
        decoder_failures_ = 0;
        return frame;
      }
      if (code == AVERROR(EAGAIN)) {
        feed();
      } else if (code == AVERROR_EOF || ++decoder_failures_ > kMaxDecoderFailures) {
        ended_ = true;
      } else {
        note_damage(packet_ticks_, av_error_text(code));
      }
    }
    if (failure_) return *std::exchange(failure_, std::nullopt);
    return AvPtr<AVFrame>();
  }

  /// Gives the decoder the next packet, or tells it that there are no more.
  void feed() {
    const Result<Demuxer::Outcome> outcome = demuxer_->read(*packet_);
    if (!outcome) failure_ = outcome.error();  // told once the decoder's last frames are out
    if (!outcome || *outcome == Demuxer::Outcome::kEnd) {
      if (avcodec_send_packet(decoder_.get(), nullptr) < 0) ended_ = true;
      return;
    }
    if (*outcome == Demuxer::Outcome::kDamage) {
      note_damage(std::nullopt, demuxer_->damage());
      return;
    }
    packet_ticks_ = known(packet_->pts != AV_NOPTS_VALUE ? packet_->pts : packet_->dts);
    const bool corrupt = (packet_->flags & AV_PKT_FLAG_CORRUPT) != 0;
    if (tap_) tap_->packet(*packet_);
    const int code = avcodec_send_packet(decoder_.get(), packet_.get());
    av_packet_unref(packet_.get());
    if (code < 0) {
      note_damage(packet_ticks_, av_error_text(code));
    } else {
      decoder_failures_ = 0;
      if (corrupt) note_damage(packet_ticks_, "the packet is incomplete");
    }
  }

  /// Counts what the decoder could only guess, if its packet has not been counted.
  void note_frame(const AVFrame& frame) {
    const bool damaged =
        (frame.flags & AV_FRAME_FLAG_CORRUPT) != 0 || frame.decode_error_flags != 0;
    if (damaged) note_damage(known(frame.pts), "parts of the picture are missing");
    if (decoded_ == 0 && health_.damaged > 0) {
      // The first frame got lost, but the container says when it was.
      const std::optional<std::int64_t> start = known(demuxer_->stream().start_time);
      if (start && *start <= frame.best_effort_timestamp) clock_.set_origin(*start);
    }
  }

  void note_damage(std::optional<std::int64_t> ticks, const std::string& what) {
    if (ticks) {
      if (std::find(damaged_ticks_.begin(), damaged_ticks_.end(), ticks) != damaged_ticks_.end()) {
        return;
      }
      damaged_ticks_[health_.damaged % damaged_ticks_.size()] = ticks;
    }
    if (health_.damaged++ > 0) return;
    std::string place;
    if (ticks) {
      std::array<char, 40> text{};
      const double seconds = static_cast<double>(*ticks) * av_q2d(demuxer_->stream().time_base);
      std::snprintf(text.data(), text.size(), "at %.3f s: ", seconds);
      place = text.data();
    }
    health_.first_damage = info_.uri + ": " + place + what;
  }

  std::unique_ptr<Demuxer> demuxer_;
  std::shared_ptr<PacketTap> tap_;
  AvPtr<AVCodecContext> decoder_;
  AvPtr<AVPacket> packet_ = make_packet();
  FrameConverter converter_;
  int vid_stride_;
  MediaClock clock_;
  std::optional<Orientation> container_orientation_;
  StreamInfo info_;
  SourceHealth health_;
  std::optional<Frame> first_;
  std::uint64_t decoded_ = 0;
  std::uint64_t sequence_ = 0;
  std::optional<std::int64_t> packet_ticks_;  ///< of the packet the decoder was given last
  /// Of what was counted lately: a packet that is damaged often gives a frame that is, too.
  std::array<std::optional<std::int64_t>, 64> damaged_ticks_;
  int decoder_failures_ = 0;
  std::optional<Error> failure_;
  bool ended_ = false;
};

Demuxer::Limits limits_of(const SourceOptions& options) {
  return {options.timeout, options.max_pixels};
}

}  // namespace

Result<std::unique_ptr<Source>> open_video(const std::string& uri, const std::string& url,
                                           std::uint32_t stream, const SourceOptions& options) {
  return VideoSource::create(uri, OSPREY_TRY(Demuxer::open(uri, url, limits_of(options))), stream,
                             options);
}

Result<std::unique_ptr<Source>> open_video_descriptor(const std::string& uri, int descriptor,
                                                      std::uint32_t stream,
                                                      const SourceOptions& options) {
  return VideoSource::create(uri, OSPREY_TRY(Demuxer::open(uri, descriptor, limits_of(options))),
                             stream, options);
}

}  // namespace osprey::media
