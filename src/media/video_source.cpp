// SPDX-License-Identifier: Apache-2.0
#include "media/video_source.hpp"

#include <sys/resource.h>

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
#include "media/lag_meter.hpp"
#include "media/media_clock.hpp"
#include "media/orientation.hpp"
#include "media/secrets.hpp"
#include "media/video_decoder.hpp"

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

/// A live stream that gives packets, but not one frame for so long, counts as stalled.
constexpr Duration kLongestWithoutFrame = std::chrono::seconds(30);
/// Who catches up waits so long for a key frame, and then goes on without.
constexpr Duration kLongestSkip = std::chrono::seconds(10);

base::Instant now() {
  return base::RealClock().now();
}

/// How often this thread gave its processor away to wait for something.
long waits_of_thread() {
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  return usage.ru_nvcsw;
}

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
  SourceReading meter() const override { return meter_->read(now()); }
  void cancel() override { demuxer_->cancel(); }

 private:
  VideoSource(const std::string& uri, std::unique_ptr<Demuxer> demuxer, std::uint32_t stream,
              const SourceOptions& options)
      : demuxer_(std::move(demuxer)),
        tap_(options.tap),
        vid_stride_(options.vid_stride),
        max_age_(options.max_age),
        meter_(options.meter ? options.meter : std::make_shared<SourceMeter>()),
        clock_(make_clock(demuxer_->stream())),
        container_orientation_(container_orientation(demuxer_->stream())) {
    const AVStream& video = demuxer_->stream();
    info_.index = stream;
    info_.uri = uri;
    info_.live = demuxer_->is_live();
    info_.bursts = demuxer_->comes_in_bursts();
    timeless_ = info_.live && demuxer_->has_no_times();
    const AVRational rate = frame_rate_of(video);
    if (rate.num > 0 && rate.den > 0 && !timeless_) {
      info_.frame_rate = av_q2d(rate) / vid_stride_;
    }
    if (video.nb_frames > 0) info_.frame_count = (video.nb_frames - 1) / vid_stride_ + 1;
  }

  Status open_decoder(const SourceOptions& options) {
    decoder_ = OSPREY_TRY(
        VideoDecoder::open(info_.uri, demuxer_->stream(),
                           {options.decoder, options.threads, options.max_pixels, info_.live}));
    if (info_.live) {
      meter_->connected(decoder_->name(), declared_rate());
    } else {  // a file that is repeated is measured on
      meter_->set_decoder(decoder_->name(), declared_rate());
      meter_->set_state(SourceState::kRunning);
    }
    last_frame_ = now();
    return {};
  }

  /// What a camera says of its rate, not what FFmpeg made of the first packets' times.
  double declared_rate() const {
    // Nobody's camera; streams without an even rate have that of their clock there.
    constexpr double kMostDeclared = 480;
    if (timeless_) return 0;
    const double rate = decoder_->declared_rate();
    if (rate > 0 && rate <= kMostDeclared) return rate;
    const AVRational usual = demuxer_->stream().r_frame_rate;
    if (info_.live && usual.num > 0 && usual.den > 0) return av_q2d(usual);
    return info_.frame_rate * vid_stride_;
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
      const Orientation orientation =
          container_orientation_ ? *container_orientation_ : frame_orientation(*decoded);
      note_frame(*decoded, orientation);
      const Timestamp timestamp = timestamp_of(*decoded);
      if (decoded_++ % static_cast<std::uint64_t>(vid_stride_) != 0) continue;

      Result<Image> image = converter_.convert(std::move(decoded), orientation);
      if (!image) {
        ended_ = true;
        return Error{image.error().code, info_.uri + ": " + image.error().message};
      }
      Frame frame;
      frame.id = {info_.index, sequence_++};
      frame.timestamp = timestamp;
      frame.captured = info_.live ? arrived_at_ : std::chrono::system_clock::now();
      frame.image = *std::move(image);
      return std::optional(std::move(frame));
    }
  }

  Timestamp timestamp_of(const AVFrame& frame) {
    if (!timeless_) return clock_.next(known(frame.best_effort_timestamp));
    if (decoded_ == 0) first_arrival_ = arrival_;
    return {arrival_ - first_arrival_};
  }

  /// The decoder's next frame; null at the end.
  Result<AvPtr<AVFrame>> decode() {
    AvPtr<AVFrame> frame = make_frame();
    while (!ended_ && !demuxer_->cancelled()) {
      const base::Instant begin = now();
      const int code = decoder_->receive(*frame);
      decoding_ += now() - begin;
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
    const long waits = info_.live ? waits_of_thread() : 0;
    const base::Instant begin = now();
    const Result<Demuxer::Outcome> outcome = demuxer_->read(*packet_);
    if (!outcome) failure_ = outcome.error();  // told once the decoder's last frames are out
    if (!outcome || *outcome == Demuxer::Outcome::kEnd) {
      if (decoder_->send(nullptr) < 0) ended_ = true;
      return;
    }
    if (*outcome == Demuxer::Outcome::kDamage) {
      note_damage(std::nullopt, demuxer_->damage());
      return;
    }
    arrival_ = now();
    // Whoever slept had to wait; time that others had the processor is none.
    const bool slept = info_.live && waits_of_thread() != waits;
    const bool wanted = note_arrival(slept ? arrival_ - begin : Duration(0));
    if (tap_) tap_->packet(*packet_);
    if (wanted) {
      decode_packet();
    } else {
      meter_->skipped();
    }
    av_packet_unref(packet_.get());
  }

  void decode_packet() {
    packet_ticks_ = known(packet_->pts != AV_NOPTS_VALUE ? packet_->pts : packet_->dts);
    const bool corrupt = (packet_->flags & AV_PKT_FLAG_CORRUPT) != 0;
    const base::Instant begin = now();
    const int code = decoder_->send(packet_.get());
    decoding_ += now() - begin;
    if (code < 0) {
      note_damage(packet_ticks_, av_error_text(code));
    } else {
      decoder_failures_ = 0;
      if (corrupt) note_damage(packet_ticks_, "the packet is incomplete");
    }
  }

  /// Whether the packet that just came is to be decoded.
  bool note_arrival(Duration waited) {
    if (!info_.live) {
      meter_->packet(arrival_, static_cast<std::size_t>(packet_->size));
      return true;
    }
    arrived_at_ = std::chrono::system_clock::now();
    // What was queued while connecting comes at once, and says nothing of the camera.
    if (!measuring_ && waited > Duration(0)) {
      measuring_ = true;
      meter_->caught_up();
    }
    meter_->packet(arrival_, static_cast<std::size_t>(packet_->size));
    if (arrival_ - last_frame_ > kLongestWithoutFrame) {
      failure_ = Error{ErrorCode::kTimeout,
                       info_.uri + ": packets come, but for " +
                           std::to_string(kLongestWithoutFrame.count() / 1'000'000'000) +
                           " s not one frame could be decoded"};
      ended_ = true;
      return false;
    }
    return max_age_ <= Duration(0) || info_.bursts || !is_late(waited);
  }

  /// Whether the packet is left out so that the reader catches up. What was left out before a key
  /// frame is missed by none behind it.
  bool is_late(Duration waited) {
    const std::int64_t ticks = packet_->dts != AV_NOPTS_VALUE ? packet_->dts : packet_->pts;
    if (timeless_ || ticks == AV_NOPTS_VALUE) return false;
    const Duration media(av_rescale_q(ticks, demuxer_->stream().time_base, {1, 1'000'000'000}));
    const Duration lag = lag_.update(arrival_, media, waited);
    if (!skipping_since_) {
      if (lag > max_age_) skipping_since_ = arrival_;
      return lag > max_age_;
    }
    const bool key = (packet_->flags & AV_PKT_FLAG_KEY) != 0;
    const bool caught_up = key && lag <= max_age_ / 2;
    if (!caught_up && arrival_ - *skipping_since_ < kLongestSkip) return true;
    skipping_since_.reset();
    decoder_->flush();
    return false;
  }

  /// Counts what the decoder could only guess, if its packet has not been counted.
  void note_frame(const AVFrame& frame, Orientation orientation) {
    last_frame_ = now();
    const bool swaps = orientation.swaps_sides();
    meter_->frame(last_frame_, std::exchange(decoding_, Duration(0)),
                  swaps ? frame.height : frame.width, swaps ? frame.width : frame.height);
    if (decoded_ == 0) meter_->set_decoder(decoder_->name(), declared_rate());
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
    meter_->damaged();
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
  std::unique_ptr<VideoDecoder> decoder_;
  AvPtr<AVPacket> packet_ = make_packet();
  FrameConverter converter_;
  int vid_stride_;
  Duration max_age_;
  std::shared_ptr<SourceMeter> meter_;
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

  // Of packets and frames, for the meter.
  base::Instant arrival_;  ///< of the packet read last
  WallTime arrived_at_;    ///< the same
  base::Instant last_frame_;
  Duration decoding_{0};  ///< spent in the decoder since the last frame
  bool measuring_ = false;

  bool timeless_ = false;  ///< the stream has no times: those of arrival are taken
  base::Instant first_arrival_;
  LagMeter lag_;
  std::optional<base::Instant> skipping_since_;
};

Demuxer::Limits limits_of(const SourceOptions& options) {
  const bool own = options.connect_timeout.count() > 0;
  return {options.timeout, own ? options.connect_timeout : options.timeout, options.max_pixels,
          options.transport, options.cancelled};
}

}  // namespace

Result<std::unique_ptr<Source>> open_video(const std::string& uri, const std::string& url,
                                           std::uint32_t stream, const SourceOptions& options) {
  const std::string shown = without_secrets(uri);
  return VideoSource::create(shown, OSPREY_TRY(Demuxer::open(shown, url, limits_of(options))),
                             stream, options);
}

Result<std::unique_ptr<Source>> open_camera(const std::string& uri, const CaptureDevice& device,
                                            std::uint32_t stream, const SourceOptions& options) {
  return VideoSource::create(uri, OSPREY_TRY(Demuxer::open(uri, device, limits_of(options))),
                             stream, options);
}

Result<std::unique_ptr<Source>> open_video_descriptor(const std::string& uri, int descriptor,
                                                      std::uint32_t stream,
                                                      const SourceOptions& options) {
  return VideoSource::create(uri, OSPREY_TRY(Demuxer::open(uri, descriptor, limits_of(options))),
                             stream, options);
}

}  // namespace osprey::media
