// SPDX-License-Identifier: Apache-2.0
#include "media/packet_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <new>
#include <optional>
#include <system_error>
#include <utility>

#include "base/io_error.hpp"
#include "base/temporary_file.hpp"
#include "base/try.hpp"
#include "media/muxed_file.hpp"

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

/// Held while a file is made and locked, and while one is looked at, which takes its lock for a
/// moment: so no new file is seen without its lock, and none fails to get it.
std::mutex& locks_mutex() {
  static std::mutex mutex;
  return mutex;
}

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
  CopiedFile(const std::string& path, std::shared_ptr<const PacketFormat> format,
             base::TemporaryFile file, FileLock lock)
      : format_(std::move(format)), lock_(std::move(lock)), file_(path, std::move(file)) {}

  Status open(const std::string& suffix) {
    const bool mp4 = suffix == ".mp4";
    OSPREY_TRY(file_.open(mp4 ? "mp4" : "matroska"));
    AVStream& stream = file_.stream();
    stream.time_base = {format_->ticks_num, format_->ticks_den};
    OSPREY_TRY(file_.check(avcodec_parameters_copy(stream.codecpar, format_->parameters.get())));
    if (!format_->rotation.empty()) {
      std::uint8_t* matrix =
          av_stream_new_side_data(&stream, AV_PKT_DATA_DISPLAYMATRIX, format_->rotation.size());
      if (!matrix) throw std::bad_alloc();
      std::memcpy(matrix, format_->rotation.data(), format_->rotation.size());
    }
    file_.container().flags |= AVFMT_FLAG_FLUSH_PACKETS;

    AVDictionary* options = nullptr;
    if (mp4) {
      // Fragments can be played whatever ends the file; the index of them, that players can seek.
      av_dict_set(&options, "movflags", "frag_keyframe+empty_moov+default_base_moof+global_sidx",
                  0);
      av_dict_set(&options, "frag_duration", kFragmentTime, 0);
    } else {
      av_dict_set(&options, "cluster_time_limit", kClusterTime, 0);
    }
    OSPREY_TRY(file_.begin(options));
    avio_flush(file_.container().pb);
    return file_.check(0);
  }

  Status write(const AVPacket& packet) override {
    if (file_.failure()) return *file_.failure();
    if (av_packet_ref(copy_.get(), &packet) < 0) throw std::bad_alloc();
    copy_->pos = -1;
    set_times(*copy_);
    av_packet_rescale_ts(copy_.get(), {format_->ticks_num, format_->ticks_den},
                         file_.stream().time_base);
    auto written = file_.write(*copy_);
    av_packet_unref(copy_.get());
    return written;
  }

  Status finish() override { return file_.complete(); }

  Status keep() override {
    file_.close();
    LeftoverReader reader;
    const AvPtr<AVPacket> packet = make_packet();
    if (!reader.open(file_.file().path()) || !reader.read(*packet)) {
      return Error{ErrorCode::kCorrupt, file_.path() + ": nothing of the recording was written"};
    }
    return file_.complete_as_it_is();
  }

  std::uint64_t bytes() const override {
    std::error_code ignored;
    const std::uintmax_t size = fs::file_size(file_.file().path(), ignored);
    return ignored ? 0 : size;
  }

 private:
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

  std::shared_ptr<const PacketFormat> format_;
  FileLock lock_;  ///< longer than the file has its temporary name
  MuxedFile file_;
  AvPtr<AVPacket> copy_ = make_packet();
  std::optional<std::int64_t> last_;  ///< decoding time, ticks
  std::int64_t origin_ = 0;
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
  std::unique_lock locking(locks_mutex());
  base::TemporaryFile file =
      OSPREY_TRY(base::TemporaryFile::create(path, "cannot write " + path.string()));
  FileLock lock = FileLock::of(file.path());
  locking.unlock();
  auto copied = std::make_unique<CopiedFile>(path.string(), std::move(format), std::move(file),
                                             std::move(lock));
  OSPREY_TRY(copied->open(suffix));
  return std::unique_ptr<PacketFile>(std::move(copied));
}

Result<bool> complete_leftover(const fs::path& part, const fs::path& path,
                               const std::atomic<bool>& stop) {
  std::error_code ignored;
  bool any = false;
  {
    LeftoverReader reader;
    AvPtr<AVPacket> packet = make_packet();
    if (reader.open(part) && reader.read(*packet)) {
      const AVStream& stream = *reader.container->streams[reader.video];
      auto file = OSPREY_TRY(PacketFile::create(path, PacketFormat::of(stream)));
      do {
        if (stop) return Error{ErrorCode::kCancelled, path.string() + ": not complete yet"};
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
  const std::lock_guard locking(locks_mutex());
  return FileLock::of(part).refused();
}

FileLock::FileLock(FileLock&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), refused_(other.refused_) {}

FileLock::~FileLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

FileLock FileLock::of(const fs::path& path) {
  FileLock lock;
  lock.descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (lock.descriptor_ < 0) return lock;
  lock.refused_ = ::flock(lock.descriptor_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  return lock;
}

}  // namespace osprey::media
