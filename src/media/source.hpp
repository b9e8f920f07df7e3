// SPDX-License-Identifier: Apache-2.0
// Where frames come from: video files, pictures, folders, standard input, URLs, cameras.
#pragma once

#include <osprey/result.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "core/frame.hpp"
#include "media/packet_tap.hpp"
#include "media/source_meter.hpp"

namespace osprey::media {

struct SourceOptions {
  int vid_stride = 1;  ///< >= 1; every n-th frame of a video is given; pictures all are
  int threads = 1;     ///< decoder threads, >= 1
  /// > 0; how long a network source may be silent before it counts as gone.
  std::chrono::milliseconds timeout{15'000};
  /// > 0; a video with larger frames is refused: a damaged header must not take all memory.
  std::int64_t max_pixels = std::int64_t{1} << 28;
  std::chrono::milliseconds connect_timeout{0};  ///< the same while connecting; 0: as timeout
  std::shared_ptr<PacketTap> tap;                ///< sees a video's packets; may be null
  std::string transport = "tcp";                 ///< or "udp"; of RTSP
  /// "auto": a hardware decoder where this FFmpeg has one and its device opens, else "software"; or
  /// the name of a hardware decoder as FFmpeg has it: "rkmpp", "vaapi", "v4l2m2m", "cuda", ...
  std::string decoder = "auto";
  /// > 0: the newest frame wins. A live source whose decoding is late by more leaves out what it
  /// can until it is not. 0: every frame is decoded, however old it is.
  Duration max_age{0};
  /// Where it counts; null: in one of its own.
  std::shared_ptr<SourceMeter> meter;
  /// Becomes true, from any thread, when opening is to end soon; then cancel() is of use. May be
  /// null.
  std::shared_ptr<const std::atomic<bool>> cancelled;
};

/// Errors: one that is out of its range.
Status check(const SourceOptions& options);

/// What a source noticed about its data. Grows while reading.
struct SourceHealth {
  std::uint64_t damaged = 0;      ///< packets or pictures that could not be decoded whole
  std::string first_damage;       ///< the first one in words; empty if none
  std::uint64_t passed_over = 0;  ///< files of a folder or glob that are no pictures
};

/// Threads: one reader; `cancel` from any.
class Source {
 public:
  virtual ~Source() = default;

  /// `uri`: a file, a folder of pictures, a glob ("shots/*.jpg", "shots/**/*.jpg"), "-" or "pipe:N"
  /// for standard input or an open file descriptor, a URL, or a camera of this machine:
  /// "/dev/video0", "v4l2:///dev/video0?size=1280x720&fps=30&format=mjpeg". What is there under
  /// that very name goes before a glob. Pictures come in natural order (img2 before img10), hidden
  /// files are left out. `stream` becomes FrameId::stream. Decodes the first frame, so that info()
  /// knows its size. Errors: an option out of its range, absent, no permission, empty, no video or
  /// picture in it, nothing that can be read, a network source that is silent for
  /// `options.timeout`.
  static Result<std::unique_ptr<Source>> open(const std::string& uri, std::uint32_t stream,
                                              const SourceOptions& options);

  /// `frame_rate` and `frame_count` are of the frames that are given (see vid_stride). The count
  /// is what the container says; damage makes it smaller.
  virtual const StreamInfo& info() const = 0;

  /// The next frame, or nothing at the end. Blocks while decoding. A frame that the decoder gives
  /// in one of PixelFormat's layouts is not copied; others become the nearest layout, 8 bits a
  /// sample. Data that cannot be decoded is counted in health() and passed over. Errors: the
  /// operating system or network fails, or is silent too long; then the stream is at its end.
  virtual Result<std::optional<Frame>> read() = 0;

  virtual SourceHealth health() const = 0;

  /// What it delivers now. Threads: any, at any time. Cost: some ten microseconds.
  virtual SourceReading meter() const { return {}; }

  /// Makes a blocked or later read() end soon, as at the stream's end.
  virtual void cancel() = 0;
};

}  // namespace osprey::media
