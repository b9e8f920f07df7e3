// SPDX-License-Identifier: Apache-2.0
// Where results go.
#pragma once

#include <osprey/result.hpp>

#include <string>
#include <vector>

#include "core/frame.hpp"

namespace osprey::sinks {

/// Results of one stream come in capture order; those of several streams may be mixed. Threads: one
/// caller. Files appear under their final names only in finish(); a sink destroyed without it
/// leaves nothing behind. Each sink has a factory in a header of its own, which makes missing
/// folders and fails, naming the path, where it may not write: before any inference.
class Sink {
 public:
  virtual ~Sink() = default;
  /// Whether write() looks at the frame's samples. If no sink does, frames are freed early; what
  /// else a frame says (id, timestamp, path, the image's width and height) is always needed.
  virtual bool wants_pixels() const = 0;
  /// Called once a stream before its first result. Where two streams' files would have one name,
  /// the stream begun later gets a number: begin streams in order of their index.
  virtual Status begin(const StreamInfo& stream) = 0;
  virtual Status write(const FrameResult& result) = 0;
  /// Completes every file, also after an interrupt. Nothing may be written after it.
  virtual Status finish() = 0;
  /// Files and folders made, final names; for the summary.
  virtual std::vector<std::string> outputs() const = 0;
  /// What was left out without being a failure, one sentence each; for the summary.
  virtual std::vector<std::string> notes() const { return {}; }
};

}  // namespace osprey::sinks
