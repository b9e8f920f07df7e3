// SPDX-License-Identifier: Apache-2.0
// Packets to an HLS folder or an RTSP server.
#pragma once

#include <osprey/result.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "base/clock.hpp"
#include "media/av_handles.hpp"

struct AVDictionary;
struct AVStream;

namespace osprey::media {

struct LiveTarget {
  std::string rtsp_url;              ///< "rtsp://..." or "rtsps://..."; else empty
  std::filesystem::path hls_folder;  ///< absolute; else empty
  std::chrono::milliseconds segment{1'000};
  int segments = 6;                          ///< in the playlist
  std::chrono::milliseconds timeout{5'000};  ///< of each wait for the server
};

/// Threads: one; interrupt_at() from any.
class LiveMuxer {
 public:
  LiveMuxer(LiveTarget target, base::Clock& clock) : target_(std::move(target)), clock_(clock) {}
  ~LiveMuxer() { abandon(); }
  LiveMuxer(const LiveMuxer&) = delete;
  LiveMuxer& operator=(const LiveMuxer&) = delete;

  bool is_open() const { return container_ != nullptr; }

  /// Connects, or begins the playlist; goes on in the playlist the second time, behind a mark of
  /// the break. Errors: no connection, refused; a folder that cannot be written to.
  Status open(const AVCodecContext& encoder);

  /// `packet` has the encoder's time base and is left empty. Errors end in a muxer to be abandoned.
  Status write(AVPacket& packet);

  /// Takes leave of the server; completes the playlist, `for_good` with its end.
  Status close(bool for_good);

  /// Closes at once, as after an error.
  void abandon();

  /// Waits for the server fail after `time`, but for a second that close() has.
  void interrupt_at(base::Instant time) { interrupt_at_ = time; }

 private:
  static int is_over(void* self);
  static int open_file(AVFormatContext* container, AVIOContext** io, const char* url, int flags,
                       AVDictionary** options);
  static int close_file(AVFormatContext* container, AVIOContext* io);
  Status check(int code) const;
  void restart_timeout(std::chrono::milliseconds timeout);
  Status open_rtsp();
  Status open_hls();

  LiveTarget target_;
  base::Clock& clock_;
  AVFormatContext* container_ = nullptr;
  AVStream* stream_ = nullptr;
  std::atomic<base::Instant> interrupt_at_ = base::Instant::max();
  bool has_header_ = false;
  int file_error_ = 0;  ///< of a file of the playlist: FFmpeg goes on without a word
  bool leaving_ = false;
  bool began_ = false;  ///< a playlist
  base::Instant deadline_;
};

}  // namespace osprey::media
