// SPDX-License-Identifier: Apache-2.0
// H.264 MP4 files that play even after an interrupt.
#pragma once

#include <osprey/result.hpp>

#include <memory>
#include <string>

#include "core/time.hpp"
#include <osprey/image.hpp>

namespace osprey::media {

struct VideoWriterOptions {
  double frame_rate = 25;  ///< used when timestamps do not rise
  int threads = 1;
};

/// Threads: one.
class VideoWriter {
 public:
  virtual ~VideoWriter() = default;
  /// Writes to `path` + a temporary suffix; `finish` renames it to `path`.
  static Result<std::unique_ptr<VideoWriter>> create(const std::string& path, int width, int height,
                                                     const VideoWriterOptions& options);
  /// Any pixel format; the size given to create().
  virtual Status write(const Image& image, Timestamp timestamp) = 0;
  /// Completes the file under its final name. Without it, nothing is left behind.
  virtual Status finish() = 0;
};

}  // namespace osprey::media
