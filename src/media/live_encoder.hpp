// SPDX-License-Identifier: Apache-2.0
// Pictures to H.264 packets at once, for who watches now.
#pragma once

#include <osprey/image.hpp>
#include <osprey/result.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "media/av_handles.hpp"

namespace osprey::media {

constexpr int kLiveTicksPerSecond = 90'000;

struct LiveEncoderOptions {
  std::string encoder;  ///< FFmpeg's name (libx264, h264_vaapi, ...); empty: the first that can
  std::string preset = "veryfast";  ///< of libx264; others take those that they know, or none
  int bit_rate = 0;                 ///< bits a second; 0: by quality with libx264, else 2 000 000
  double frame_rate = 25;           ///< > 0, about
  int threads = 1;                  ///< >= 1
};

/// kUnsupported, with those there are, if `options.encoder` is none of this FFmpeg's for H.264.
Status check_live_encoder(const LiveEncoderOptions& options);

/// Threads: one.
class LiveEncoder {
 public:
  virtual ~LiveEncoder() = default;

  /// Errors (kUnsupported): none can be opened, each with its reason: a hardware one without its
  /// hardware, say.
  static Result<std::unique_ptr<LiveEncoder>> open(int width, int height,
                                                   const LiveEncoderOptions& options);

  /// Any pixel format; of the size given to open(). `ticks` (1/90000 s) rise. `take` is called with
  /// each packet that is ready. `key`: a player may begin here. Errors: the encoder's or `take`'s.
  virtual Status encode(const Image& image, std::int64_t ticks, bool key,
                        const std::function<Status(AVPacket&)>& take) = 0;

  virtual const AVCodecContext& context() const = 0;  ///< for a muxer's stream
  virtual std::string name() const = 0;               ///< FFmpeg's
};

}  // namespace osprey::media
