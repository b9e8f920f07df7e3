// SPDX-License-Identifier: Apache-2.0
// H.264 MP4 files that appear under their name whole or not at all.
#pragma once

#include <osprey/image.hpp>
#include <osprey/result.hpp>

#include <memory>
#include <string>

#include "core/time.hpp"

namespace osprey::media {

struct VideoWriterOptions {
  double frame_rate = 25;  ///< > 0; used when timestamps do not rise
  int threads = 1;         ///< encoder threads, >= 1
};

/// Threads: one. Colours are written as BT.601 limited and tagged so: what players and cv2 agree
/// on.
class VideoWriter {
 public:
  virtual ~VideoWriter() = default;

  /// What was at `path` stays until finish() (see base::TemporaryFile). H.264 4:2:0 has only even
  /// sizes: an odd width or height gets one more column or row, a copy of its neighbour. Errors: a
  /// size or option out of its range, a folder that cannot be written to, no encoder in this FFmpeg
  /// (tries libx264, then any H.264, then MPEG-4).
  static Result<std::unique_ptr<VideoWriter>> create(const std::string& path, int width, int height,
                                                     const VideoWriterOptions& options);

  /// Any pixel format; the size given to create(). `timestamp` is kept to 1/360000 s, relative to
  /// the first frame's; one that does not rise becomes the last one's plus 1 / frame_rate. Errors:
  /// another size, a full disk; the latter is final.
  virtual Status write(const Image& image, Timestamp timestamp) = 0;

  /// Completes the file under its final name. Without it, nothing is left behind. Once.
  virtual Status finish() = 0;
};

}  // namespace osprey::media
