// SPDX-License-Identifier: Apache-2.0
// Cameras through models: they come and go, the lanes stay.
#pragma once

#include <osprey/result.hpp>

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "core/event.hpp"
#include "engine/frame_rounds.hpp"
#include "engine/run_models.hpp"
#include "live/camera.hpp"
#include "pipeline/pipeline.hpp"

namespace osprey::live {

/// Who gets results and events. Threads: one at a time.
class Receiver {
 public:
  virtual ~Receiver() = default;
  /// In capture order within each stream, with track ids.
  virtual void take(const Camera& camera, const FrameResult& result) = 0;
  virtual void take(const Camera& camera, const FrameResult* result, const Event& event) = 0;
};

/// Threads: any.
class Streams {
 public:
  /// Compiles `models`, and waits for cameras. `receiver` and `clock` outlive it. Cost: seconds.
  static Result<std::unique_ptr<Streams>> start(engine::RunModels models,
                                                const engine::Options& options, Receiver& receiver,
                                                base::Clock& clock);
  /// Ends all streams; what is in flight is delivered.
  virtual ~Streams() = default;

  virtual const engine::RunModels& models() const = 0;
  /// Opens a camera that is to be added. Errors: its source is a file that cannot be read; tiles
  /// that do not suit its pictures.
  virtual Status prepare(Camera& camera) const = 0;
  /// Errors: the lanes have ended.
  virtual Status add(std::shared_ptr<Camera> camera) = 0;
  /// Its last frames may still be delivered after this returns.
  virtual void end(const Camera& camera) = 0;
  /// Index of its stream; nothing if it is not running or ended.
  virtual std::optional<std::size_t> index_of(const Camera& camera) const = 0;

  /// To be called every second or so: objects of cameras that are away end. Gives the cameras that
  /// have ended since, to be finished.
  virtual std::vector<std::shared_ptr<Camera>> look_after() = 0;

  virtual pipeline::Stats stats() const = 0;
  /// Why the lanes cannot go on; success while they can.
  virtual Status health() const = 0;
};

}  // namespace osprey::live
