// SPDX-License-Identifier: Apache-2.0
// Detection in streams: many sources, every core busy, results in order.
#pragma once

#include <osprey/detection.hpp>
#include <osprey/detector.hpp>
#include <osprey/export.hpp>
#include <osprey/image.hpp>
#include <osprey/result.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace osprey {

/// What to do when frames come faster than they can be worked on.
enum class Policy {
  kAuto,        ///< wait for files, drop the oldest of live sources
  kWait,        ///< nothing is lost; the source is read later
  kDropOldest,  ///< the oldest waiting frame gives way
  kDropNewest,  ///< the new frame is not taken
};

struct PipelineOptions {
  DetectorOptions detector;  ///< the model and what counts as a detection
  /// YAML file of settings; its `models:` are run in place of `detector.model`, and what it says of
  /// them wins over `detector`. Keys: docs/options.md. Empty: none.
  std::string plan;
  /// Video, picture, folder, glob, camera (URL or device), or "-" (standard input). Cameras that go
  /// away are connected to again, until stop().
  std::vector<std::string> sources;
  int lanes = 0;      ///< inferences at once, 0..64; 0: as many as run best here
  int in_flight = 0;  ///< frames of a stream on their way, 0..4096; 0: enough
  Policy policy = Policy::kAuto;
  int vid_stride = 1;  ///< every n-th frame, 1..100000
  /// Number objects through all frames of their stream, Detection::track_id, and give those alone.
  bool track = false;
  bool keep_pixels = false;  ///< give `StreamFrame::image`; otherwise samples are freed early
};

/// One frame and what was found in it.
struct StreamFrame {
  std::uint32_t stream = 0;           ///< place in PipelineOptions::sources
  std::uint64_t sequence = 0;         ///< place in the stream, from 0; dropped frames leave gaps
  std::int64_t timestamp_ns = 0;      ///< media time since the stream's start
  int width = 0, height = 0;          ///< pixels
  std::string path;                   ///< the picture's file; empty for a video's frames
  const Image* image = nullptr;       ///< valid during the call; null without keep_pixels
  std::vector<Detection> detections;  ///< by falling confidence, then those with a parent
  std::optional<Error> error;         ///< why this frame has no detections
};

/// Where every captured frame went: captured == delivered + dropped once run() has returned.
struct PipelineCounts {
  std::uint64_t captured = 0, delivered = 0, dropped = 0, failed = 0;
};

/// Threads: one owner; stop() from any thread, also from within the callback.
class OSPREY_API Pipeline {
 public:
  /// Opens every source and compiles the model. Errors name the file or option at fault.
  static Result<Pipeline> create(const PipelineOptions& options);

  Pipeline(Pipeline&&) noexcept;
  Pipeline& operator=(Pipeline&&) noexcept;
  ~Pipeline();

  /// Runs to the end of all sources. `on_frame` gets each stream's frames in capture order, one
  /// call at a time, on a thread of the pipeline; an Error from it ends the run. Once only.
  Status run(std::function<Status(const StreamFrame&)> on_frame);

  /// Ends the sources; frames on their way are still delivered, then run() returns success.
  void stop();

  /// After run().
  PipelineCounts counts() const;

  /// Class names by label_id: those of all models, renamed as a plan says.
  const std::vector<std::string>& names() const;

  /// The models' names by Detection::model.
  const std::vector<std::string>& model_names() const;

 private:
  struct State;
  explicit Pipeline(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace osprey
