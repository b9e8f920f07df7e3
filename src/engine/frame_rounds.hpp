// SPDX-License-Identifier: Apache-2.0
// A frame's way through the models of a run: which parts of it each looks at, and one list of what
// they found.
#pragma once

#include <osprey/detection.hpp>
#include <osprey/result.hpp>

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "core/frame.hpp"
#include "engine/frame_cutter.hpp"
#include "engine/run_models.hpp"
#include "pipeline/pipeline.hpp"

namespace osprey::engine {

/// A frame and what is known of it so far.
struct FrameWork : pipeline::FramePayload {
  std::shared_ptr<Frame> frame;
  std::atomic<std::size_t> unfinished = 0;  ///< jobs of the last round that need its samples
  bool last_round = false;
  std::vector<std::shared_ptr<const FrameCut>> cuts;  ///< by model; null for those on boxes
  std::vector<std::vector<Detection>> found;          ///< by model
  std::vector<Region> parts;                          ///< looked at, if anyone asked
  std::vector<Detection> detections;                  ///< in the end
};

/// A part of a frame for a model, which is the job's kind.
struct DetectJob final : pipeline::JobPayload {
  DetectJob(FrameWork& owner, std::size_t model, const Region& region, std::int32_t of = -1)
      : JobPayload(static_cast<std::uint32_t>(model)), work(owner), part(region), parent(of) {}

  FrameWork& work;
  Region part;
  std::int32_t parent;  ///< place of the box in what its model found
  std::vector<Detection> detections;
};

/// What a model did in a run.
struct ModelReport {
  std::string name;
  std::uint64_t inferences = 0;
  std::uint64_t failed = 0;   ///< frames that went on without it
  std::string first_failure;  ///< of those
  std::string left_out;       ///< why it did nothing at all
};

/// Plans a frame's first round, for the models on the frame, and from what came back each next one,
/// for the models on the boxes found; in the end one list: what was found on the frame and what is
/// merged with it, fused, by falling confidence, then what is attached to it. Streams may come and
/// go. Threads: as pipeline::Stages says.
class FrameRounds {
 public:
  /// `models` outlives it. `give_parts`: FrameWork::parts are wanted. Errors: options that say how
  /// frames are cut.
  static Result<std::unique_ptr<FrameRounds>> create(const RunModels& models, bool give_parts);

  /// Refuses plans of tiles that do not suit frames of this size.
  Status check_size(int width, int height) const;

  Result<pipeline::JobPayloads> plan(std::size_t stream, FrameWork& work);
  Result<pipeline::JobPayloads> collect(FrameWork& work, std::span<pipeline::Job> jobs);

  std::vector<ModelReport> report() const;

 private:
  using Cutters = std::vector<FrameCutter>;  // of the models on the frame

  FrameRounds(const RunModels& models, bool give_parts);

  Cutters& cutters_of(std::size_t stream);
  bool fell_out(std::size_t model, std::span<pipeline::Job> jobs);
  void take_in(FrameWork& work, std::size_t model, std::span<pipeline::Job> jobs);
  void add_crops(FrameWork& work, std::size_t model, pipeline::JobPayloads& jobs) const;
  bool any_follows(const pipeline::JobPayloads& jobs) const;
  void note_parts(FrameWork& work, const pipeline::JobPayloads& jobs) const;
  void put_together(FrameWork& work) const;

  const RunModels& models_;
  bool give_parts_;
  Cutters new_cutters_;          // a new stream's
  mutable std::mutex mutex_;     // guards:
  std::deque<Cutters> cutters_;  // by stream; what is in one is its stream's thread's
  std::vector<ModelReport> reports_;
};

}  // namespace osprey::engine
