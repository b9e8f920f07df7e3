// SPDX-License-Identifier: Apache-2.0
#include "media/packet_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <optional>
#include <system_error>
#include <utility>

#include "base/io_error.hpp"
#include "base/temporary_file.hpp"
#include "base/try.hpp"

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/dict.h>
}

namespace osprey::media {

namespace fs = std::filesystem;

namespace {

/// A key frame may be long in coming: fragments of MP4 (us) and clusters of Matroska (ms) end by
/// time, too.
constexpr const char* kFragmentTime = "1000000";
constexpr const char* kClusterTime = "1000";

bool belongs_into_mp4(AVCodecID codec) {
  return codec == AV_CODEC_ID_H264 || codec == AV_CODEC_ID_HEVC || codec == AV_CODEC_ID_AV1 ||
         codec == AV_CODEC_ID_VP9 || codec == AV_CODEC_ID_MPEG4;
}

/// Its descriptor's lock says that somebody writes the file.
class FileLock {
 public:
  FileLock() = default;
  FileLock(FileLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  FileLock& operator=(FileLock&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~FileLock() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

  /// Not held if somebody else has it or the file is gone.
  static FileLock of(const fs::path& path) {
    FileLock lock;
    lock.descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (lock.descriptor_ < 0) return lock;
    lock.held_ = ::flock(lock.descriptor_, LOCK_EX | LOCK_NB) == 0;
    lock.refused_ = !lock.held_ && errno == EWOULDBLOCK;
    return lock;
  }
  bool held() const { return held_; }
  bool refused() const { return refused_; }

 private:
  int descriptor_ = -1;
  bool held_ = false;
  bool refused_ = false;
};

struct CopyMuxer {
  AVFormatContext* container = nullptr;

  CopyMuxer() = default;
  CopyMuxer(const CopyMuxer&) = delete;
  CopyMuxer& operator=(const CopyMuxer&) = delete;
  ~CopyMuxer() { close(); }
  void close() {
    if (!container) return;
    avio_closep(&container->pb);
    avformat_free_context(container);
    container = nullptr;
  }
};

/// A file that is read packet by packet.
struct LeftoverReader {
  AVFormatContext* container = nullptr;
  int video = -1;

  LeftoverReader() = default;
  LeftoverReader(const LeftoverReader&) = delete;
  LeftoverReader& operator=(const LeftoverReader&) = delete;
  ~LeftoverReader() { avformat_close_input(&container); }

  /// False if there is no video in it.
  bool open(const fs::path& path) {
    silence_av();
    if (avformat_open_input(&container, ("file:" + path.string()).c_str(), nullptr, nullptr) < 0) {
      return false;
    }
    if (avformat_find_stream_info(container, nullptr) < 0) return false;
    video = av_find_best_stream(container, AVMEDIA_TYPE_VIDEO, -1, -1, nullptr, 0);
    return video >= 0;
  }
  /// False behind the last packet that is whole.
  bool read(AVPacket& packet) const {
    while (av_read_frame(container, &packet) >= 0) {
      if (packet.stream_index == video) return (packet.flags & AV_PKT_FLAG_CORRUPT) == 0;
      av_packet_unref(&packet);
    }
    return false;
  }
};

class CopiedFile final : public PacketFile {
 public:
  CopiedFile(std::string path, std::shared_ptr<const PacketFormat> format, base::TemporaryFile file)
      : path_(std::move(path)), format_(std::move(format)), file_(std::move(file)) {}

  Status open(const std::string& suffix) {
    lock_ = FileLock::of(file_.path());
    const bool mp4 = suffix == ".mp4";
    OSPREY_TRY(check(avformat_alloc_output_context2(&muxer_.container, nullptr,
                                                    mp4 ? "mp4" : "matroska", nullptr)));
    stream_ = avformat_new_stream(muxer_.container, nullptr);
    if (!stream_) throw std::bad_alloc();
    stream_->time_base = {format_->ticks_num, format_->ticks_den};
    OSPREY_TRY(check(avcodec_parameters_copy(stream_->codecpar, format_->parameters.get())));
    if (!format_->rotation.empty()) {
      std::uint8_t* matrix =
          av_stream_new_side_data(stream_, AV_PKT_DATA_DISPLAYMATRIX, format_->rotation.size());
      if (!matrix) throw std::bad_alloc();
      std::memcpy(matrix, format_->rotation.data(), format_->rotation.size());
    }
    // shift_data(), which puts the index in front at the end, opens the file by this name.
    const std::string url = "file:" + file_.path().string();
    OSPREY_TRY(check(avio_open(&muxer_.container->pb, url.c_str(), AVIO_FLAG_WRITE)));
    av_freep(&muxer_.container->url);
    muxer_.container->url = av_strdup(url.c_str());
    muxer_.container->flags |= AVFMT_FLAG_FLUSH_PACKETS;

    AVDictionary* options = nullptr;
    if (mp4) {
      // Fragments can be played whatever ends the file; the index of them, that players can seek.
      av_dict_set(&options, "movflags", "frag_keyframe+empty_moov+default_base_moof+global_sidx",
                  0);
      av_dict_set(&options, "frag_duration", kFragmentTime, 0);
    } else {
      av_dict_set(&options, "cluster_time_limit", kClusterTime, 0);
    }
    const int code = avformat_write_header(muxer_.container, &options);
    av_dict_free(&options);
    OSPREY_TRY(check(code));
    avio_flush(muxer_.container->pb);
    return check(0);
  }

  Status write(const AVPacket& packet) override {
    if (failure_) return *failure_;
    if (av_packet_ref(copy_.get(), &packet) < 0) throw std::bad_alloc();
    copy_->stream_index = stream_->index;
    copy_->pos = -1;
    set_times(*copy_);
    av_packet_rescale_ts(copy_.get(), {format_->ticks_num, format_->ticks_den}, stream_->time_base);
    const int code = av_write_frame(muxer_.container, copy_.get());
    av_packet_unref(copy_.get());
    return remember(check(code));
  }

  Status finish() override {
    if (failure_) return *failure_;
    OSPREY_TRY(remember(check(av_write_trailer(muxer_.container))));
    OSPREY_TRY(remember(check(avio_closep(&muxer_.container->pb))));
    OSPREY_TRY(remember(file_.commit()));
    failure_ = Error{ErrorCode::kInvalidArgument, path_ + ": the recording is complete already"};
    return {};
  }

  Status keep() override {
    muxer_.close();
    LeftoverReader reader;
    const AvPtr<AVPacket> packet = make_packet();
    if (!reader.open(file_.path()) || !reader.read(*packet)) {
      return Error{ErrorCode::kCorrupt, path_ + ": nothing of the recording was written"};
    }
    return file_.commit();
  }

  std::uint64_t bytes() const override {
    std::error_code ignored;
    const std::uintmax_t size = fs::file_size(file_.path(), ignored);
    return ignored ? 0 : size;
  }

 private:
  /// The error for a negative return value, or one that the output file has kept.
  Status check(int code) const {
    const AVIOContext* io = muxer_.container ? muxer_.container->pb : nullptr;
    if (io && io->error < 0) code = io->error;
    if (code >= 0) return {};
    return Error{ErrorCode::kIo, "cannot write " + path_ + ": " + av_error_text(code)};
  }

  /// What failed once leaves a file that cannot be completed.
  Status remember(Status status) {
    if (!status) failure_ = status.error();
    return status;
  }

  /// Containers want both times, the decoding times rising.
  void set_times(AVPacket& packet) {
    const std::int64_t period =
        packet.duration > 0 ? packet.duration
                            : std::max<std::int64_t>(1, format_->ticks_in(format_->frame_period));
    std::int64_t dts = packet.dts;
    if (dts == AV_NOPTS_VALUE) dts = packet.pts;
    if (dts == AV_NOPTS_VALUE) dts = last_ ? *last_ + origin_ + period : 0;
    if (!last_) origin_ = dts;
    packet.pts = packet.pts == AV_NOPTS_VALUE ? dts : packet.pts;
    dts -= origin_;
    packet.pts -= origin_;
    if (last_ && dts <= *last_) dts = *last_ + 1;
    packet.dts = dts;
    packet.pts = std::max(packet.pts, dts);
    packet.duration = period;
    last_ = dts;
  }

  std::string path_;
  std::shared_ptr<const PacketFormat> format_;
  base::TemporaryFile file_;  ///< outlives muxer_, which has it open
  FileLock lock_;
  CopyMuxer muxer_;
  AVStream* stream_ = nullptr;
  AvPtr<AVPacket> copy_ = make_packet();
  std::optional<std::int64_t> last_;  ///< decoding time, ticks
  std::int64_t origin_ = 0;
  std::optional<Error> failure_;
};

}  // namespace

Result<std::string> suffix_for(const PacketFormat& format) {
  const AVCodecID codec = format.parameters->codec_id;
  const Error refusal{ErrorCode::kUnsupported,
                      format.codec_name() +
                          ": such video cannot be recorded as it comes: expected one that the "
                          "camera compresses, as H.264, H.265 or MJPEG"};
  if (codec == AV_CODEC_ID_RAWVIDEO) return refusal;
  if (belongs_into_mp4(codec)) return std::string(".mp4");
  const AVOutputFormat* matroska = av_guess_format("matroska", nullptr, nullptr);
  if (!matroska || avformat_query_codec(matroska, codec, FF_COMPLIANCE_NORMAL) != 1) return refusal;
  return std::string(".mkv");
}

Result<std::unique_ptr<PacketFile>> PacketFile::create(const fs::path& path,
                                                       std::shared_ptr<const PacketFormat> format) {
  silence_av();
  const std::string suffix = OSPREY_TRY(suffix_for(*format));
  const AVCodecParameters& parameters = *format->parameters;
  const bool needs_sets =
      parameters.codec_id == AV_CODEC_ID_H264 || parameters.codec_id == AV_CODEC_ID_HEVC;
  if ((needs_sets && parameters.extradata_size == 0) || parameters.width <= 0) {
    return Error{ErrorCode::kCorrupt, path.string() + ": the stream has not told its parameters"};
  }
  base::TemporaryFile file =
      OSPREY_TRY(base::TemporaryFile::create(path, "cannot write " + path.string()));
  auto copied = std::make_unique<CopiedFile>(path.string(), std::move(format), std::move(file));
  OSPREY_TRY(copied->open(suffix));
  return std::unique_ptr<PacketFile>(std::move(copied));
}

Result<bool> complete_leftover(const fs::path& part, const fs::path& path) {
  std::error_code ignored;
  bool any = false;
  {
    LeftoverReader reader;
    AvPtr<AVPacket> packet = make_packet();
    if (reader.open(part) && reader.read(*packet)) {
      const AVStream& stream = *reader.container->streams[reader.video];
      auto file = OSPREY_TRY(PacketFile::create(path, PacketFormat::of(stream)));
      do {
        OSPREY_TRY(file->write(*packet));
        av_packet_unref(packet.get());
      } while (reader.read(*packet));
      OSPREY_TRY(file->finish());
      any = true;
    }
  }
  fs::remove(part, ignored);
  return any;
}

bool is_being_written(const fs::path& part) {
  return FileLock::of(part).refused();
}

}  // namespace osprey::media
