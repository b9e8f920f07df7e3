// SPDX-License-Identifier: Apache-2.0
// The newest frame of a stream, as pictures for whoever looks.
#pragma once

#include <osprey/result.hpp>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/frame.hpp"

namespace osprey::live {

struct PictureKind {
  bool annotated = true;
  int width = 0;  ///< at most, pixels; 0: the frame's
  friend bool operator==(const PictureKind&, const PictureKind&) = default;
};

/// A result as a JPEG file. `names` by label_id. Cost: milliseconds.
Result<std::string> jpeg_of(const FrameResult& result, const std::vector<std::string>& names,
                            PictureKind kind);

/// Pictures are made by who asks for them: a stream that nobody looks at costs nothing. Threads:
/// any.
class NewestFrame {
 public:
  explicit NewestFrame(std::vector<std::string> names) : names_(std::move(names)) {}

  struct Jpeg {
    std::string bytes;
    /// Rising, and of no other frame of this process: who has seen one camera's goes on with those
    /// of the camera that takes its place.
    std::uint64_t sequence = 0;
  };

  void put(std::shared_ptr<const FrameResult> result);
  std::shared_ptr<const FrameResult> get() const;

  /// That of a frame newer than number `after`, if one comes within `patience`. Viewers who want
  /// the same share one. kUnavailable: it is closed, and the last frame is not newer.
  Result<std::optional<Jpeg>> jpeg(std::uint64_t after, PictureKind kind,
                                   std::chrono::milliseconds patience);

  /// No frame comes any more: nobody waits any longer, now or later.
  void close();

 private:
  struct Made {
    PictureKind kind;
    std::shared_ptr<const Jpeg> jpeg;
  };

  const std::vector<std::string> names_;
  mutable std::mutex mutex_;  // guards:
  std::condition_variable changed_;
  std::shared_ptr<const FrameResult> result_;
  std::uint64_t sequence_ = 0;
  bool closed_ = false;
  std::vector<Made> made_;  // of the newest frame, the last few
};

}  // namespace osprey::live
