// SPDX-License-Identifier: Apache-2.0
// Where frames come from: video files, pictures, folders, standard input, URLs.
#pragma once

#include <osprey/result.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "core/frame.hpp"

namespace osprey::media {

struct SourceOptions {
  int vid_stride = 1;  ///< >= 1; every n-th frame is given, the others are skipped
  int threads = 1;     ///< decoder threads, >= 1
};

/// What a source noticed about its data. Grows while reading.
struct SourceHealth {
  std::uint64_t damaged = 0;       ///< packets or pictures that could not be decoded
  std::string first_damage;        ///< the first one in words; empty if none
  std::uint64_t passed_over = 0;   ///< files of a folder that are no pictures or videos
};

/// Threads: one reader; `cancel` from any.
class Source {
 public:
  virtual ~Source() = default;

  /// `uri`: a file, a folder, a glob ("shots/*.jpg"), "-" for standard input, or a URL.
  /// `stream` becomes FrameId::stream. Errors: absent, empty, no video in it, nothing readable.
  static Result<std::unique_ptr<Source>> open(const std::string& uri, std::uint32_t stream,
                                              const SourceOptions& options);

  virtual const StreamInfo& info() const = 0;

  /// The next frame, or nothing at the end. Blocks while decoding.
  virtual Result<std::optional<Frame>> read() = 0;

  virtual SourceHealth health() const = 0;

  /// Makes a blocked or later read() end soon, as at the stream's end.
  virtual void cancel() = 0;
};

}  // namespace osprey::media
