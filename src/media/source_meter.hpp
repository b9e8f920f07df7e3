// SPDX-License-Identifier: Apache-2.0
// What a source delivers, measured while it runs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>

#include "base/clock.hpp"
#include "core/time.hpp"

namespace osprey::media {

enum class SourceState : std::uint8_t {
  kConnecting,
  kRunning,
  kWaiting,  ///< to connect again
  kEnded,
};

/// "connecting", "running", "waiting", "ended".
const char* to_string(SourceState state);

/// A source at one moment. Rates, jitter and decode time are of the last seconds, the counts since
/// the beginning.
struct SourceReading {
  SourceState state = SourceState::kConnecting;
  std::string problem;  ///< the last one, without user and password; empty: none so far
  std::string decoder;  ///< "h264 (software)", "h264_rkmpp", "h264 (vaapi)"; empty before the first
                        ///< connection, and for pictures
  int width = 0;        ///< pixels, of the newest frame, upright; 0 before the first
  int height = 0;       ///< pixels
  double declared_fps = 0;   ///< what the stream says; 0: nothing
  double delivered_fps = 0;  ///< pictures that arrive a second
  double decoded_fps = 0;    ///< pictures that are decoded a second
  double jitter = 0;         ///< seconds: p95 of how far the time between two differs from the mean
  double decode_seconds = 0;      ///< that one picture takes, mean
  double bytes_per_second = 0;    ///< of the video
  std::uint64_t packets = 0;      ///< that arrived
  std::uint64_t frames = 0;       ///< decoded
  std::uint64_t skipped = 0;      ///< packets not decoded, to catch up
  std::uint64_t damaged = 0;      ///< packets and pictures that could not be decoded whole
  std::uint64_t reconnects = 0;   ///< connections after the first
  std::uint64_t stalls = 0;       ///< connections given up because nothing came
  std::uint64_t clock_jumps = 0;  ///< of the stream's timestamps
};

/// Threads: any.
class SourceMeter {
 public:
  /// Rates are of so much of the past.
  static constexpr Duration kWindow = std::chrono::seconds(5);

  SourceReading read(base::Instant now) const;

  void set_state(SourceState state);
  void set_problem(const std::string& problem);
  /// A connection is there. What was measured of an earlier one is forgotten, what was counted is
  /// not.
  void connected(const std::string& decoder, double declared_fps);
  /// Known better once a frame was decoded.
  void set_decoder(const std::string& decoder, double declared_fps);
  /// What was queued while connecting has been read: rates are measured from here on.
  void caught_up();

  void packet(base::Instant now, std::size_t bytes);
  void frame(base::Instant now, Duration decoding, int width, int height);
  void skipped();
  void damaged();
  void reconnected();
  void stalled();
  void clock_jumped();

 private:
  struct Arrival {
    base::Instant time;
    std::size_t bytes;
  };
  struct Decoded {
    base::Instant time;
    Duration took;
  };

  mutable std::mutex mutex_;
  SourceReading counts_;  ///< without what is reckoned from the windows
  std::deque<Arrival> arrivals_;
  std::deque<Decoded> decoded_;
};

}  // namespace osprey::media
