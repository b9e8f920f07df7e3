// SPDX-License-Identifier: Apache-2.0
// Decodes a video's packets, in hardware where that is wanted and there.
#pragma once

#include <osprey/result.hpp>

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "media/av_handles.hpp"

struct AVCodec;
struct AVStream;

namespace osprey::media {

/// One of FFmpeg's decoders, and the kind of device that helps it; empty: none.
struct DecoderChoice {
  std::string codec;
  std::string device;
};

/// Threads: one.
class VideoDecoder {
 public:
  struct Options {
    std::string decoder = "auto";  ///< as SourceOptions has it
    int threads = 1;
    std::int64_t max_pixels = 0;
    bool low_delay = false;  ///< frames come as soon as they can
  };

  /// For the packets of `stream`. Errors: no decoder of that name, or none for this codec; its
  /// device cannot be opened.
  static Result<std::unique_ptr<VideoDecoder>> open(const std::string& uri, const AVStream& stream,
                                                    const Options& options);
  /// The first of `choices` that can be opened. Where one fails before its first frame, the next
  /// gets the same packets.
  static Result<std::unique_ptr<VideoDecoder>> open(const std::string& uri, const AVStream& stream,
                                                    const Options& options,
                                                    std::vector<DecoderChoice> choices);

  /// As avcodec_send_packet; only after receive() asked for more. Null: there are no more.
  int send(const AVPacket* packet);
  /// As avcodec_receive_frame; the frame is in the processor's memory.
  int receive(AVFrame& frame);
  /// Forgets what it was given.
  void flush();

  /// "h264 (software)", "h264_rkmpp", "h264 (vaapi)".
  std::string name() const;

  /// Frames a second that the packets say they are of, once one was decoded; 0: they do not.
  double declared_rate() const;

 private:
  VideoDecoder(std::string uri, const AVStream& stream, Options options,
               std::vector<DecoderChoice> choices);

  Status open_choice(const DecoderChoice& choice);
  Status open_next();
  bool try_another();
  int to_memory(AVFrame& frame);

  std::string uri_;
  const AVStream& stream_;
  Options options_;
  std::vector<DecoderChoice> choices_;  ///< that are left
  DecoderChoice chosen_;
  AvPtr<AVCodecContext> decoder_;
  bool any_frame_ = false;
  /// What the decoder was given before its first frame, for the next choice; null: the end.
  std::deque<AvPtr<AVPacket>> given_;
  std::deque<AvPtr<AVPacket>> again_;  ///< what this choice is still to be given
};

}  // namespace osprey::media
