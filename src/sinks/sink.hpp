// SPDX-License-Identifier: Apache-2.0
// Where results go.
#pragma once

#include <osprey/result.hpp>

#include <string>
#include <vector>

#include "core/frame.hpp"

namespace osprey::sinks {

/// Results of one stream come in capture order. Threads: one caller. Files appear under their final
/// names only in finish(); a sink destroyed without it leaves nothing behind.
class Sink {
 public:
  virtual ~Sink() = default;
  /// Whether write() looks at the frame's samples. If no sink does, frames are freed early.
  virtual bool wants_pixels() const = 0;
  /// Called once a stream before its first result.
  virtual Status begin(const StreamInfo& stream) = 0;
  virtual Status write(const FrameResult& result) = 0;
  /// Completes every file, also after an interrupt.
  virtual Status finish() = 0;
  /// Files and folders made, final names; for the summary.
  virtual std::vector<std::string> outputs() const = 0;
};

}  // namespace osprey::sinks
