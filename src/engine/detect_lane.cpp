// SPDX-License-Identifier: Apache-2.0
#include "engine/detect_lane.hpp"

#include <algorithm>
#include <utility>

#include "base/try.hpp"
#include "engine/frame_rounds.hpp"

namespace osprey::engine {

Result<std::unique_ptr<DetectLane>> DetectLane::create(const RunModels& models, bool keep_pixels) {
  std::unique_ptr<DetectLane> lane(new DetectLane(models, keep_pixels));
  for (const auto& model : models.models) {
    auto& network = lane->networks_.emplace_back();
    if (!model.runs()) continue;
    network.lane = OSPREY_TRY(model.prepared.session->create_lane());
    network.step.emplace(model.prepared, *network.lane);
    const bool shares = model.prepared.session->shares_cores();
    lane->one_at_a_time_ = lane->one_at_a_time_ || (models.several() && !shares);
  }
  return lane;
}

std::size_t DetectLane::batch(std::uint32_t kind) const {
  return static_cast<std::size_t>(models_.models[kind].prepared.session->batch());
}

Status DetectLane::prepare(pipeline::LanePlace place, pipeline::JobPayload& job) {
  const auto& detect = pipeline::payload_cast<DetectJob>(job);
  model_[place.slot] = job.kind;
  networks_[job.kind].step->prepare(place.slot, place.item, detect.work.frame->image, detect.part);
  return {};
}

void DetectLane::start(std::size_t slot, std::size_t /*items*/, Completion done) {
  if (!one_at_a_time_) return networks_[model_[slot]].lane->start(slot, std::move(done));
  {
    const std::lock_guard lock(mutex_);
    const std::size_t other = 1 - slot;
    if (running_[other] && model_[other] != model_[slot]) {
      held_back_ = {slot, std::move(done)};
      return;
    }
    running_[slot] = true;
  }
  run(slot, std::move(done));
}

void DetectLane::run(std::size_t slot, Completion done) {
  networks_[model_[slot]].lane->start(slot, [this, slot, done = std::move(done)](Status status) {
    std::optional<HeldBack> next;
    {
      const std::lock_guard lock(mutex_);
      running_[slot] = false;
      next = std::exchange(held_back_, std::nullopt);
      if (next) running_[next->slot] = true;
    }
    if (next) run(next->slot, std::move(next->done));
    done(std::move(status));
  });
}

Duration DetectLane::overhead() const {
  Duration longest{0};
  for (const auto& network : networks_) {
    if (network.lane) longest = std::max(longest, network.lane->overhead());
  }
  return longest;
}

Status DetectLane::mend() {
  for (auto& network : networks_) {
    if (network.lane) OSPREY_TRY(network.lane->mend());
  }
  const std::lock_guard lock(mutex_);
  running_ = {};
  held_back_.reset();
  return {};
}

Status DetectLane::finish(pipeline::LanePlace place, pipeline::JobPayload& job) {
  auto found = networks_[job.kind].step->finish(place.slot, place.item);
  if (!found) return models_.named(job.kind, std::move(found).error());
  auto& detect = pipeline::payload_cast<DetectJob>(job);
  detect.detections = *std::move(found);
  // Not before: where a lane fails, another one prepares the job anew.
  auto& work = detect.work;
  const bool last = --work.unfinished == 0 && work.last_round;
  if (last && !keep_pixels_) {
    work.frame->image.planes = {};
    work.frame->image.owner.reset();
  }
  return {};
}

Result<pipeline::Lanes> make_lanes(const RunModels& models, const Options& options,
                                   bool keep_pixels) {
  pipeline::Lanes lanes;
  lanes.batch_wait = std::chrono::milliseconds(options.batch_wait);
  for (int i = 0; i < models.lanes(); ++i) {
    lanes.runners.push_back(OSPREY_TRY(DetectLane::create(models, keep_pixels)));
  }
  for (std::uint32_t i = 0; i < models.models.size(); ++i) {
    if (!models.models[i].runs()) continue;
    lanes.most_batch = std::max(lanes.most_batch, lanes.runners[0]->batch(i));
    const auto& session = *models.models[i].prepared.session;
    lanes.run_timeout = std::max<Duration>(lanes.run_timeout, session.run_timeout());
  }
  return lanes;
}

}  // namespace osprey::engine
