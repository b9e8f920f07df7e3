// SPDX-License-Identifier: Apache-2.0
// A camera's frames, however often it goes away.
#pragma once

#include <osprey/result.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.hpp"
#include "media/source.hpp"

namespace osprey::media {

struct LiveSourceOptions {
  LiveSourceOptions() { source.max_age = std::chrono::seconds(1); }

  /// Its `meter`, `cancelled`, `timeout` and `connect_timeout` are the live source's own.
  SourceOptions source;
  std::chrono::milliseconds stall{5'000};  ///< without a picture; the connection is given up then
  std::chrono::milliseconds connect_timeout{10'000};
  bool reconnect = true;  ///< else the stream ends with its first connection
  bool loop = false;      ///< files: again and again, at their own pace, as a camera
  bool realtime = false;  ///< files: at their own pace, once

  // Between two attempts to connect: doubled each time, and less by up to a quarter, so that not
  // all streams of a server that restarts ask it at once.
  Duration first_pause = std::chrono::milliseconds(250);
  Duration longest_pause = std::chrono::seconds(10);
  /// For a camera that has been there: once it is back, it is found within this time.
  Duration longest_pause_after_loss = std::chrono::seconds(2);
};

/// A source that ends only when it is cancelled: a stream that ends, fails or is silent is
/// connected to again. Frames' sequence numbers go on, and their timestamps rise, over all
/// connections. A file that is not looped does end, also one of an HTTP server. Pictures that come
/// in bursts (HLS) are given at their own pace.
///
/// info(): what is known before connecting (no size, no rate), then for good that of the first
/// connection; a later one may have other sizes, as frames and meter() tell. Threads: info() any.
class LiveSource : public Source {
 public:
  using Opener = std::function<Result<std::unique_ptr<Source>>()>;

  /// Connects when it is first read: never blocks. `clock` outlives it. Errors: an option out of
  /// its range.
  static Result<std::unique_ptr<LiveSource>> create(const std::string& uri, std::uint32_t stream,
                                                    const LiveSourceOptions& options,
                                                    base::Clock& clock);

  /// The same with another way to connect; `uri` is for messages.
  static Result<std::unique_ptr<LiveSource>> create(const std::string& uri, std::uint32_t stream,
                                                    const LiveSourceOptions& options,
                                                    base::Clock& clock, Opener opener);

  /// Connects first, and gives the plain source if it is a file that is neither looped nor paced.
  /// Errors: those of Source::open.
  static Result<std::unique_ptr<Source>> open(const std::string& uri, std::uint32_t stream,
                                              const LiveSourceOptions& options, base::Clock& clock);
};

}  // namespace osprey::media
