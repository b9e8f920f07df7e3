// SPDX-License-Identifier: Apache-2.0
#include "media/demuxer.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <new>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/try.hpp"

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/dict.h>
#include <libavutil/error.h>
}

namespace osprey::media {
namespace {

using namespace std::string_view_literals;

/// A failing demuxer is asked this often without getting any further before the file counts as
/// over.
constexpr int kMaxFailuresInPlace = 16;

/// Bytes; room for a burst of packets, such as a key frame's. The system may give less.
constexpr int kUdpBuffer = 4 << 20;
/// Microseconds; how much of a stream is looked at before the first frame.
constexpr std::int64_t kAnalysis = 1'500'000;
constexpr int kFramesForRate = 3;
constexpr std::chrono::milliseconds kBetweenPieces{15'000};
/// A camera of this machine is asked so often for its next picture.
constexpr std::chrono::milliseconds kDevicePause{2};

/// FFmpeg shows any text, and any file named .bin, as a picture of letters.
bool draws_text(std::string_view demuxer) {
  constexpr std::array kTextModes = {"tty"sv, "bin"sv, "xbin"sv, "adf"sv, "idf"sv};
  return std::find(kTextModes.begin(), kTextModes.end(), demuxer) != kTextModes.end();
}

bool is_video(const AVStream& stream) {
  return stream.codecpar->codec_type == AVMEDIA_TYPE_VIDEO &&
         (stream.disposition & AV_DISPOSITION_ATTACHED_PIC) == 0;
}

bool is_playlist(const AVFormatContext& container) {
  constexpr std::array kPlaylists = {"hls"sv, "dash"sv};
  return std::find(kPlaylists.begin(), kPlaylists.end(), container.iformat->name) !=
         kPlaylists.end();
}

/// As avformat_find_stream_info, with `max_pixels` for each of its decoders.
int find_stream_info(AVFormatContext* container, std::int64_t max_pixels) {
  std::vector<AVDictionary*> options(container->nb_streams, nullptr);
  for (AVDictionary*& entries : options) av_dict_set_int(&entries, "max_pixels", max_pixels, 0);
  const int code = avformat_find_stream_info(container, options.empty() ? nullptr : options.data());
  for (AVDictionary*& entries : options) av_dict_free(&entries);
  return code;
}

}  // namespace

class Demuxer::Options {
 public:
  Options() = default;
  ~Options() { av_dict_free(&entries_); }
  Options(const Options&) = delete;
  Options& operator=(const Options&) = delete;

  void set(const char* key, const std::string& value) {
    av_dict_set(&entries_, key, value.c_str(), 0);
  }
  AVDictionary** get() { return &entries_; }

 private:
  AVDictionary* entries_ = nullptr;
};

std::string scheme_of(const std::string& url) {
  std::string scheme = url.substr(0, url.find(':'));
  std::transform(scheme.begin(), scheme.end(), scheme.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return scheme;
}

bool is_url(const std::string& uri) {
  const auto end = uri.find("://");
  return end != std::string::npos && end > 0 &&
         std::all_of(
             uri.begin(), uri.begin() + static_cast<std::ptrdiff_t>(end),
             [](unsigned char c) { return std::isalnum(c) || c == '+' || c == '-' || c == '.'; });
}

Result<std::unique_ptr<Demuxer>> Demuxer::open(const std::string& uri, const std::string& url,
                                               const Limits& limits) {
  std::unique_ptr<Demuxer> demuxer(new Demuxer(uri, limits));
  demuxer->network_ = is_url(url) && scheme_of(url) != "file";
  OSPREY_TRY(demuxer->start(url));
  return demuxer;
}

Result<std::unique_ptr<Demuxer>> Demuxer::open(const std::string& uri, int descriptor,
                                               const Limits& limits) {
  std::unique_ptr<Demuxer> demuxer(new Demuxer(uri, limits));
  demuxer->descriptor_ = OSPREY_TRY(DescriptorInput::open(uri, descriptor));
  OSPREY_TRY(demuxer->start(""));
  return demuxer;
}

Result<std::unique_ptr<Demuxer>> Demuxer::open(const std::string& uri, const CaptureDevice& device,
                                               const Limits& limits) {
  std::unique_ptr<Demuxer> demuxer(new Demuxer(uri, limits));
  demuxer->device_ = true;
  OSPREY_TRY(demuxer->start(device.path, &device));
  return demuxer;
}

Demuxer::~Demuxer() {
  avformat_close_input(&container_);
}

int Demuxer::interrupted(void* self) {
  const auto& demuxer = *static_cast<const Demuxer*>(self);
  return demuxer.cancelled() || demuxer.timed_out() ? 1 : 0;
}

void Demuxer::restart_timeout(std::chrono::milliseconds timeout) {
  if (!may_be_silent()) return;
  waiting_for_ = timeout;
  deadline_ = std::chrono::steady_clock::now() + timeout;
}

bool Demuxer::timed_out() const {
  return deadline_ && std::chrono::steady_clock::now() >= *deadline_;
}

Error Demuxer::failure(int code) const {
  if (cancelled()) return {ErrorCode::kCancelled, uri_ + ": not waited for"};
  if (timed_out()) {
    return {ErrorCode::kTimeout,
            uri_ + ": no answer for " + std::to_string(waiting_for_.count()) + " ms"};
  }
  if (descriptor_ && descriptor_->io()->pos == 0) code = AVERROR_EOF;
  const std::string words = av_error_text(code);
  switch (code) {
    case AVERROR(ENOTTY):
      if (device_) return {ErrorCode::kUnsupported, uri_ + ": not a camera"};
      break;
    case AVERROR(ENOENT):
    case AVERROR_HTTP_NOT_FOUND:
      return {ErrorCode::kNotFound, uri_ + ": " + words};
    case AVERROR_PROTOCOL_NOT_FOUND:
      return {ErrorCode::kUnsupported, uri_ + ": FFmpeg knows no such protocol"};
    case AVERROR_EOF:
      return {ErrorCode::kCorrupt, uri_ + ": there is nothing in it"};
    default:
      break;
  }
  if (is_systems_fault(code)) return {ErrorCode::kIo, uri_ + ": " + words};
  return {ErrorCode::kCorrupt, uri_ + ": not a video or picture that FFmpeg can read: " + words};
}

bool Demuxer::is_systems_fault(int code) const {
  // A demuxer's own EIO may mean no more than a file that ends early; the layer below it means what
  // it says. Not every network protocol has that layer.
  const AVIOContext* io = container_ ? container_->pb : nullptr;
  if (io && io->error < 0 && io->error != AVERROR_EOF) return true;
  constexpr std::array kDataFaults = {AVERROR_INVALIDDATA, AVERROR_PATCHWELCOME, AVERROR(EINVAL),
                                      AVERROR(EAGAIN), AVERROR_EOF};
  return may_be_silent() &&
         std::find(kDataFaults.begin(), kDataFaults.end(), code) == kDataFaults.end();
}

Status Demuxer::start(const std::string& url, const CaptureDevice* device) {
  container_ = avformat_alloc_context();
  if (!container_) throw std::bad_alloc();
  container_->interrupt_callback = {&Demuxer::interrupted, this};
  if (descriptor_) container_->pb = descriptor_->io();

  Options options;
  const AVInputFormat* format = nullptr;
  if (device) {
    format = OSPREY_TRY(capture_format(uri_));
    for (const auto& [key, value] : device->settings) options.set(key.c_str(), value);
    container_->flags |= AVFMT_FLAG_NONBLOCK;  // a read that waits could not be cancelled
  } else if (network_) {
    set_network_options(scheme_of(url), options);
  }
  restart_timeout(limits_.connect_timeout);
  // Frees the container when it fails.
  int code =
      avformat_open_input(&container_, url.empty() ? nullptr : url.c_str(), format, options.get());
  if (code < 0) return failure(code);
  if (draws_text(container_->iformat->name)) return failure(AVERROR_INVALIDDATA);

  restart_timeout(limits_.connect_timeout);
  code = find_stream_info(container_, limits_.max_pixels);
  if (cancelled() || (code < 0 && (timed_out() || is_systems_fault(code)))) return failure(code);
  return choose_stream();
}

void Demuxer::set_network_options(const std::string& scheme, Options& options) {
  if (scheme.starts_with("rtsp")) {
    options.set("rtsp_transport", limits_.transport);
    options.set("buffer_size", std::to_string(kUdpBuffer));
  }
  if (scheme.starts_with("udp") || scheme.starts_with("rtp")) {
    options.set("buffer_size", std::to_string(kUdpBuffer));
  }
  // Of what is no file there is no end to look at, and each second of looking is one of not seeing.
  if (scheme.starts_with("http")) return;
  container_->max_analyze_duration = kAnalysis;
  container_->fps_probe_size = kFramesForRate;
}

Status Demuxer::choose_stream() {
  int index = av_find_best_stream(container_, AVMEDIA_TYPE_VIDEO, -1, -1, nullptr, 0);
  if (index < 0 || !is_video(*container_->streams[index])) {
    AVStream** const begin = container_->streams;
    AVStream** const end = begin + container_->nb_streams;
    AVStream** const found =
        std::find_if(begin, end, [](const AVStream* stream) { return is_video(*stream); });
    if (found == end) {
      return Error{ErrorCode::kUnsupported, uri_ + ": no video in it (FFmpeg reads it as " +
                                                container_->iformat->name + ")"};
    }
    index = static_cast<int>(found - begin);
  }
  stream_ = container_->streams[index];
  for (unsigned i = 0; i < container_->nb_streams; ++i) {
    if (container_->streams[i] != stream_) container_->streams[i]->discard = AVDISCARD_ALL;
  }
  return {};
}

bool Demuxer::is_live() const {
  if (device_) return true;
  if (!network_) return false;
  // A server's file has an end that is known or can be reckoned; a camera's stream does not.
  const std::string scheme = scheme_of(container_->url);
  if (!scheme.starts_with("http")) return true;
  if (container_->duration != AV_NOPTS_VALUE) return false;
  return is_playlist(*container_) || !container_->pb || avio_size(container_->pb) <= 0;
}

bool Demuxer::comes_in_bursts() const {
  return is_live() && is_playlist(*container_);
}

bool Demuxer::has_no_times() const {
  constexpr std::array kRaw = {"mpjpeg"sv, "mjpeg"sv, "h264"sv, "hevc"sv, "m4v"sv};
  return std::find(kRaw.begin(), kRaw.end(), container_->iformat->name) != kRaw.end();
}

Result<Demuxer::Outcome> Demuxer::read(AVPacket& packet) {
  const bool live = is_live();
  // A piece of a playlist is as long as its server likes.
  const auto timeout =
      is_playlist(*container_) ? std::max(limits_.timeout, kBetweenPieces) : limits_.timeout;
  restart_timeout(timeout);
  while (!cancelled()) {
    const int code = av_read_frame(container_, &packet);
    if (code >= 0) {
      failures_in_place_ = 0;
      if (packet.stream_index == stream_->index) return Outcome::kPacket;
      av_packet_unref(&packet);
      if (!live)
        restart_timeout(timeout);  // a camera's sound is no sign that its picture will come
      continue;
    }
    if (cancelled()) break;
    if (timed_out() || is_systems_fault(code)) {
      const bool ended = code == AVERROR_EOF && container_->pb;
      return failure(ended ? container_->pb->error : code);
    }
    if (code == AVERROR_EOF) break;
    if (code == AVERROR(EAGAIN) && may_be_silent()) {
      if (device_) std::this_thread::sleep_for(kDevicePause);
      continue;
    }

    const std::int64_t place = container_->pb ? avio_tell(container_->pb) : -1;
    failures_in_place_ = place == damage_place_ ? failures_in_place_ + 1 : 1;
    damage_place_ = place;
    if (failures_in_place_ > kMaxFailuresInPlace) break;
    if (failures_in_place_ > 1) continue;  // told already
    damage_ = av_error_text(code);
    return Outcome::kDamage;
  }
  return Outcome::kEnd;
}

void Demuxer::cancel() {
  cancelled_ = true;
  if (descriptor_) descriptor_->cancel();
}

}  // namespace osprey::media
