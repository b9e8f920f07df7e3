// SPDX-License-Identifier: Apache-2.0
// A lane of the pipeline that runs every model of a run.
#pragma once

#include <osprey/result.hpp>

#include <array>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "engine/detect_step.hpp"
#include "engine/run_models.hpp"
#include "pipeline/pipeline.hpp"

namespace osprey::engine {

/// Its jobs are DetectJobs. One inference runs at a time, as on a core: where the lane's slots hold
/// jobs of two models, whose runtime lanes know nothing of each other, the second is started when
/// the first one ends; unless both of them share cores by themselves.
class DetectLane final : public pipeline::LaneRunner {
 public:
  /// `models` outlives the lane. `keep_pixels`: frames keep their samples; else they are freed once
  /// the last job is finished.
  static Result<std::unique_ptr<DetectLane>> create(const RunModels& models, bool keep_pixels);

  std::size_t batch(std::uint32_t kind) const override;
  Status prepare(pipeline::LanePlace place, pipeline::JobPayload& job) override;
  void start(std::size_t slot, std::size_t items, Completion done) override;
  Duration overhead() const override;
  Status finish(pipeline::LanePlace place, pipeline::JobPayload& job) override;
  Status mend() override;

 private:
  /// One model's. Those of a model that is left out are empty.
  struct Network {
    std::unique_ptr<runtime::Lane> lane;
    std::optional<DetectStep> step;
  };
  struct HeldBack {
    std::size_t slot;
    Completion done;
  };

  DetectLane(const RunModels& models, bool keep_pixels)
      : models_(models), keep_pixels_(keep_pixels) {}

  void run(std::size_t slot, Completion done);

  const RunModels& models_;
  bool keep_pixels_;
  bool one_at_a_time_ = false;
  std::array<std::size_t, kSlots> model_{};  // whose jobs the slot holds
  std::mutex mutex_;                         // guards:
  std::array<bool, kSlots> running_{};
  std::optional<HeldBack> held_back_;
  std::vector<Network> networks_;  // by model; last: its end waits for completions
};

/// A DetectLane for each lane that the models were compiled for. `models` outlives them.
Result<pipeline::Lanes> make_lanes(const RunModels& models, const Options& options,
                                   bool keep_pixels);

}  // namespace osprey::engine
