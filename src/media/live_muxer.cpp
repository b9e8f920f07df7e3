// SPDX-License-Identifier: Apache-2.0
#include "media/live_muxer.hpp"

#include <array>
#include <cstdio>
#include <new>

#include "base/try.hpp"
#include "media/live_encoder.hpp"
#include "media/live_output.hpp"
#include "media/secrets.hpp"

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/dict.h>
#include <libavutil/opt.h>
}

namespace osprey::media {
namespace {

constexpr std::chrono::milliseconds kLeaveTimeout{1'000};

class MuxerOptions {
 public:
  MuxerOptions() = default;
  ~MuxerOptions() { av_dict_free(&entries_); }
  MuxerOptions(const MuxerOptions&) = delete;
  MuxerOptions& operator=(const MuxerOptions&) = delete;

  void set(const char* key, const std::string& value) {
    av_dict_set(&entries_, key, value.c_str(), 0);
  }
  AVDictionary** get() { return &entries_; }

 private:
  AVDictionary* entries_ = nullptr;
};

std::string seconds_text(std::chrono::milliseconds time) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.3f", static_cast<double>(time.count()) / 1000);
  return text.data();
}

}  // namespace

int LiveMuxer::is_over(void* self) {
  const auto& muxer = *static_cast<const LiveMuxer*>(self);
  const base::Instant now = muxer.clock_.now();
  return now >= muxer.deadline_ || (now >= muxer.interrupt_at_.load() && !muxer.leaving_) ? 1 : 0;
}

int LiveMuxer::open_file(AVFormatContext* container, AVIOContext** io, const char* url, int flags,
                         AVDictionary** options) {
  const int code = avio_open2(io, url, flags, &container->interrupt_callback, options);
  const bool to_write = (flags & AVIO_FLAG_WRITE) != 0;
  if (code < 0 && to_write) static_cast<LiveMuxer*>(container->opaque)->file_error_ = code;
  return code;
}

int LiveMuxer::close_file(AVFormatContext* container, AVIOContext* io) {
  avio_flush(io);
  const int kept = io->error;
  int code = avio_close(io);
  if (kept < 0 && kept != AVERROR_EOF) code = kept;
  if (code < 0) static_cast<LiveMuxer*>(container->opaque)->file_error_ = code;
  return code;
}

void LiveMuxer::restart_timeout(std::chrono::milliseconds timeout) {
  deadline_ = clock_.now() + timeout;
}

Status LiveMuxer::check(int code) const {
  if (file_error_ < 0) code = file_error_;
  if (code >= 0) return {};
  const bool rtsp = !target_.rtsp_url.empty();
  const std::string where =
      rtsp ? without_secrets(target_.rtsp_url) : "cannot write " + target_.hls_folder.string();
  if (rtsp && clock_.now() >= deadline_) {
    return Error{ErrorCode::kTimeout,
                 where + ": no answer for " + std::to_string(target_.timeout.count()) + " ms"};
  }
  return Error{rtsp ? ErrorCode::kUnavailable : ErrorCode::kIo, where + ": " + av_error_text(code)};
}

Status LiveMuxer::open(const AVCodecContext& encoder) {
  abandon();
  leaving_ = has_header_ = false;
  file_error_ = 0;
  const bool rtsp = !target_.rtsp_url.empty();
  const std::string url = rtsp ? target_.rtsp_url : (target_.hls_folder / kHlsPlaylist).string();
  OSPREY_TRY(check(
      avformat_alloc_output_context2(&container_, nullptr, rtsp ? "rtsp" : "hls", url.c_str())));
  container_->interrupt_callback = {&LiveMuxer::is_over, this};
  container_->flags |= AVFMT_FLAG_FLUSH_PACKETS;
  stream_ = avformat_new_stream(container_, nullptr);
  if (!stream_) throw std::bad_alloc();
  stream_->time_base = encoder.time_base;
  stream_->avg_frame_rate = encoder.framerate;
  OSPREY_TRY(check(avcodec_parameters_from_context(stream_->codecpar, &encoder)));
  Status status = rtsp ? open_rtsp() : open_hls();
  has_header_ = status.ok();
  if (!status) abandon();
  return status;
}

Status LiveMuxer::open_rtsp() {
  MuxerOptions options;
  options.set("rtsp_transport", "tcp");
  restart_timeout(target_.timeout);
  return check(avformat_write_header(container_, options.get()));
}

Status LiveMuxer::open_hls() {
  MuxerOptions options;
  const std::string segments = (target_.hls_folder / kHlsSegments).string();
  std::string flags = "delete_segments+independent_segments+program_date_time+temp_file";
  if (began_) flags += "+append_list+discont_start";
  container_->opaque = this;
  container_->io_open = &LiveMuxer::open_file;
  container_->io_close2 = &LiveMuxer::close_file;
  options.set("hls_flags", flags);
  options.set("hls_time", seconds_text(target_.segment));
  options.set("hls_list_size", std::to_string(target_.segments));
  options.set("hls_segment_filename", segments);
  // Players and caches in between may not take a new run's segments for those of an old one.
  options.set("hls_start_number_source", "epoch");
  restart_timeout(target_.timeout);
  OSPREY_TRY(check(avformat_write_header(container_, options.get())));
  began_ = true;
  return {};
}

Status LiveMuxer::write(AVPacket& packet) {
  restart_timeout(target_.timeout);
  packet.stream_index = stream_->index;
  av_packet_rescale_ts(&packet, {1, kLiveTicksPerSecond}, stream_->time_base);
  const int code = av_write_frame(container_, &packet);
  av_packet_unref(&packet);
  return check(code);
}

Status LiveMuxer::close(bool for_good) {
  if (!container_) return {};
  Status status;
  if (has_header_) {  // one that failed has freed what the muxer held
    leaving_ = true;
    restart_timeout(kLeaveTimeout);
    if (!for_good) av_opt_set(container_->priv_data, "hls_flags", "+omit_endlist", 0);
    status = check(av_write_trailer(container_));
  }
  avformat_free_context(container_);
  container_ = nullptr;
  return status;
}

void LiveMuxer::abandon() {
  static_cast<void>(close(false));
}

}  // namespace osprey::media
