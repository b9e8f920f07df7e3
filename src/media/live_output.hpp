// SPDX-License-Identifier: Apache-2.0
// Pictures as a live stream: an HLS folder for browsers and players, or pushed to an RTSP server.
#pragma once

#include <osprey/image.hpp>
#include <osprey/result.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.hpp"
#include "core/time.hpp"

namespace osprey::media {

/// Files of an HLS folder: a playlist, and segments of MPEG-TS.
constexpr const char* kHlsPlaylist = "live.m3u8";
constexpr const char* kHlsSegments = "segment-%d.ts";

struct LiveOutputOptions {
  std::string name;      ///< of the stream, for the thread and messages
  std::string rtsp_url;  ///< rtsp:// or rtsps://, user and password may be in it
  std::filesystem::path
      hls_folder;                   ///< made if it is missing; without %; either this or `rtsp_url`
  std::string encoder;              ///< FFmpeg's name; empty: libx264, or what else there is
  std::string preset = "veryfast";  ///< of libx264
  int bit_rate = 0;                 ///< bits a second, >= 0; 0: by quality
  double frame_rate = 25;           ///< > 0, about; of the pictures that come
  double max_frame_rate = 0;        ///< >= 0; what comes faster is left out; 0: no limit
  int threads = 1;                  ///< of the encoder, >= 1
  /// 0.2..30 s; from key frame to key frame. A player of HLS is about three of them late.
  std::chrono::milliseconds segment{1'000};
  int segments = 6;                          ///< >= 2, in the playlist; twice as many on the disk
  std::size_t queue = 2;                     ///< >= 1; pictures that may wait for the encoder
  std::chrono::milliseconds timeout{5'000};  ///< > 0; a server silent for so long is gone
  /// > 0; after a failure, doubled with each one up to `longest_pause`.
  std::chrono::milliseconds first_pause{500};
  std::chrono::milliseconds longest_pause{10'000};
};

/// pictures == written + too_slow + away + left_out + those that wait, at all times.
struct LiveOutputStats {
  bool connected = false;
  std::uint64_t pictures = 0;     ///< given to write()
  std::uint64_t written = 0;      ///< encoded and handed on
  std::uint64_t too_slow = 0;     ///< dropped, as the encoder or network was busy
  std::uint64_t away = 0;         ///< dropped, as there was no connection
  std::uint64_t left_out = 0;     ///< dropped for max_frame_rate
  std::uint64_t bytes = 0;        ///< of written packets
  std::uint64_t connections = 0;  ///< made so far
  std::string encoder;            ///< in use; empty before the first picture
  /// The last failure, until a segment's time was sent after it; or empty.
  std::string problem;
};

/// A thread "out-..." draws, encodes and writes: who gives pictures never waits. The newest go
/// first: what waits is dropped, the oldest first, when more come. A connection that fails is made
/// again with growing pauses. Time goes on from picture to picture, by their timestamps; where
/// those jump, by a frame. Another size of pictures begins the stream anew.
///
/// Threads: any, but pictures come in order.
class LiveOutput {
 public:
  /// Removes an earlier run's HLS files. Errors: an option out of its range, no such encoder, a
  /// folder that cannot be written to. A server that is not there is none: it may come.
  static Result<std::unique_ptr<LiveOutput>> create(const LiveOutputOptions& options,
                                                    base::Clock& clock);

  virtual ~LiveOutput() = default;  ///< as finish()

  /// `draw` is called on the output's thread, if the picture is going to be sent.
  virtual void write(Timestamp timestamp, std::function<Image()> draw) = 0;
  virtual void write(const Image& image, Timestamp timestamp) = 0;

  virtual LiveOutputStats stats() const = 0;

  /// Sends what waits and takes leave, in no more than a second or so. The playlist says that it
  /// ended; its files stay. Nothing is sent after it.
  virtual void finish() = 0;
};

/// The path of a playlist or segment. `name` may be anything a stranger sent. kNotFound.
Result<std::filesystem::path> find_hls_file(const std::filesystem::path& folder,
                                            const std::string& name);

}  // namespace osprey::media
