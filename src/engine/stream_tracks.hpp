// SPDX-License-Identifier: Apache-2.0
// Objects followed through the frames of each stream of a run.
#pragma once

#include <osprey/detection.hpp>
#include <osprey/result.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "core/frame.hpp"
#include "engine/options.hpp"
#include "engine/run_models.hpp"
#include "tracking/tracker.hpp"

namespace osprey::engine {

/// Threads: one at a time.
class StreamTracks {
 public:
  /// `models` outlives it. Errors: those of tracking::Tracker::create().
  static Result<StreamTracks> create(const Options& options, const RunModels& models);

  /// Before a stream's first frame, to say its frame rate; again, to begin anew. A stream of which
  /// nothing is said has tracking::TrackerOptions' rate.
  Status begin(const StreamInfo& stream);

  /// Numbers what is followed, and leaves out what is not, with all that is attached to it.
  /// `detections` are the frame's; each stream's frames come in capture order.
  void follow(const Frame& frame, std::vector<Detection>& detections);

  /// Objects that got a number, by label_id.
  const std::vector<std::uint64_t>& numbered() const { return numbered_; }

 private:
  struct Stream {
    std::unique_ptr<tracking::Tracker> tracker;
    std::int64_t last_id = 0;
  };

  tracking::TrackerOptions options_;
  std::map<std::uint32_t, Stream> streams_;  // by StreamInfo::index
  std::vector<std::uint64_t> numbered_;
};

}  // namespace osprey::engine
