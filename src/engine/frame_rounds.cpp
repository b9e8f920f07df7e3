// SPDX-License-Identifier: Apache-2.0
#include "engine/frame_rounds.hpp"

#include <algorithm>
#include <iterator>

#include "base/try.hpp"

namespace osprey::engine {

namespace {

using Jobs = std::span<pipeline::Job>;

// Jobs of one model stand together.
std::size_t same_model(Jobs jobs) {
  const auto other = std::find_if(jobs.begin(), jobs.end(), [&](const pipeline::Job& job) {
    return job.payload->kind != jobs.front().payload->kind;
  });
  return static_cast<std::size_t>(other - jobs.begin());
}

}  // namespace

Result<std::unique_ptr<FrameRounds>> FrameRounds::create(const RunModels& models, bool give_parts) {
  std::unique_ptr<FrameRounds> rounds(new FrameRounds(models, give_parts));
  for (std::size_t i = 0; i < models.models.size(); ++i) {
    const auto& model = models.models[i];
    if (!models.on_frame(i) || !model.runs()) continue;
    auto& cutters = rounds->new_cutters_;
    cutters.push_back(OSPREY_TRY(FrameCutter::create(model.options, model.prepared.spec.input)));
  }
  return rounds;
}

FrameRounds::FrameRounds(const RunModels& models, bool give_parts)
    : models_(models), give_parts_(give_parts) {
  for (const auto& model : models.models) {
    reports_.push_back({.name = model.options.name, .left_out = model.left_out});
  }
}

Status FrameRounds::check_size(int width, int height) const {
  for (auto cutter : new_cutters_) OSPREY_TRY(cutter.cut(width, height));
  return {};
}

FrameRounds::Cutters& FrameRounds::cutters_of(std::size_t stream) {
  const std::lock_guard lock(mutex_);
  while (cutters_.size() <= stream) cutters_.push_back(new_cutters_);
  return cutters_[stream];
}

Result<pipeline::JobPayloads> FrameRounds::plan(std::size_t stream, FrameWork& work) {
  const auto& image = work.frame->image;
  work.cuts.resize(models_.models.size());
  work.found.resize(models_.models.size());
  pipeline::JobPayloads jobs;
  auto cutter = cutters_of(stream).begin();
  for (std::size_t model = 0; model < models_.models.size(); ++model) {
    if (!models_.on_frame(model) || !models_.models[model].runs()) continue;
    work.cuts[model] = OSPREY_TRY((cutter++)->cut(image.width, image.height));
    for (const auto& tile : work.cuts[model]->plan().tiles()) {
      jobs.push_back(std::make_unique<DetectJob>(work, model, region_of(tile)));
    }
  }
  note_parts(work, jobs);
  return jobs;
}

Result<pipeline::JobPayloads> FrameRounds::collect(FrameWork& work, Jobs jobs) {
  std::vector<std::size_t> done;
  while (!jobs.empty()) {
    const auto model = jobs.front().payload->kind;
    const auto of_model = jobs.first(same_model(jobs));
    if (!fell_out(model, of_model)) take_in(work, model, of_model);
    done.push_back(model);
    jobs = jobs.subspan(of_model.size());
  }
  pipeline::JobPayloads next;
  for (const auto model : done) add_crops(work, model, next);
  if (next.empty()) put_together(work);
  note_parts(work, next);
  return next;
}

/// Counts the jobs, and excuses those of an optional model that failed. Whether there are any.
bool FrameRounds::fell_out(std::size_t model, Jobs jobs) {
  const auto failed = std::find_if(jobs.begin(), jobs.end(),
                                   [](const pipeline::Job& job) { return !job.status.ok(); });
  const std::lock_guard lock(mutex_);
  auto& report = reports_[model];
  report.inferences += jobs.size();
  if (failed == jobs.end()) return false;
  if (models_.models[model].options.optional) {
    if (report.failed++ == 0) report.first_failure = failed->status.error().message;
    for (auto& job : jobs) job.status = {};
  }
  return true;
}

void FrameRounds::take_in(FrameWork& work, std::size_t model, Jobs jobs) {
  auto& found = work.found[model];
  if (work.cuts[model]) {
    std::vector<std::vector<Detection>> by_tile;
    for (auto& job : jobs) {
      by_tile.push_back(std::move(pipeline::payload_cast<DetectJob>(*job.payload).detections));
    }
    found = work.cuts[model]->put_together(by_tile);
    return;
  }
  for (auto& each : jobs) {
    auto& job = pipeline::payload_cast<DetectJob>(*each.payload);
    for (auto& detection : job.detections) {
      detection.parent = job.parent;
      found.push_back(detection);
    }
  }
  // Parts that overlap show the same things.
  model::nms(found, models_.models[model].prepared.nms);
}

void FrameRounds::add_crops(FrameWork& work, std::size_t model, pipeline::JobPayloads& jobs) const {
  const auto& image = work.frame->image;
  for (const auto follower : models_.order.followers[model]) {
    const auto& next = models_.models[follower];
    if (!next.runs()) continue;
    for (const auto& crop :
         ensemble::crops_of(work.found[model], image.width, image.height, next.crops)) {
      jobs.push_back(std::make_unique<DetectJob>(work, follower, crop.part, crop.parent));
    }
  }
}

bool FrameRounds::any_follows(const pipeline::JobPayloads& jobs) const {
  return std::any_of(jobs.begin(), jobs.end(), [&](const auto& job) {
    const auto& followers = models_.order.followers[job->kind];
    return std::any_of(followers.begin(), followers.end(),
                       [&](auto follower) { return models_.models[follower].runs(); });
  });
}

void FrameRounds::note_parts(FrameWork& work, const pipeline::JobPayloads& jobs) const {
  work.unfinished = jobs.size();
  work.last_round = !any_follows(jobs);
  if (!give_parts_) return;
  for (const auto& job : jobs) {
    const auto& part = pipeline::payload_cast<DetectJob>(*job).part;
    const auto& parts = work.parts;
    if (std::find(parts.begin(), parts.end(), part) == parts.end()) work.parts.push_back(part);
  }
}

void FrameRounds::put_together(FrameWork& work) const {
  const auto count = models_.models.size();
  // Where what a model found is in the end; of a model on boxes, if it is merged.
  std::vector<std::vector<std::int32_t>> place(count);
  const auto is_merged = [&](std::size_t model) {
    return models_.on_frame(model) || models_.models[model].options.merge_results;
  };

  std::vector<Detection> all;
  for (std::size_t model = 0; model < count; ++model) {
    if (is_merged(model)) {
      all.insert(all.end(), work.found[model].begin(), work.found[model].end());
    }
  }
  auto& result = work.detections;
  if (!models_.several()) {
    result = std::move(all);
    return;
  }
  for (auto& detection : all) detection.parent = -1;
  auto fused = ensemble::fuse(all, models_.voters, models_.fusion);
  result = std::move(fused.detections);
  result.resize(std::min(result.size(), models_.max_det));

  auto into = fused.into.begin();
  for (std::size_t model = 0; model < count; ++model) {
    if (!is_merged(model)) continue;
    for (std::size_t i = 0; i < work.found[model].size(); ++i) {
      const auto at = *into++;
      place[model].push_back(at < result.size() ? static_cast<std::int32_t>(at) : -1);
    }
  }
  // Models on boxes come after those whose boxes they are, however they are listed.
  std::vector<std::size_t> waiting;
  for (std::size_t model = 0; model < count; ++model) {
    if (models_.on_frame(model)) waiting.push_back(model);
  }
  for (std::size_t at = 0; at < waiting.size(); ++at) {
    for (const auto model : models_.order.followers[waiting[at]]) {
      waiting.push_back(model);
      if (is_merged(model)) continue;
      const auto& parents = place[waiting[at]];
      for (auto detection : work.found[model]) {
        detection.parent = parents[static_cast<std::size_t>(detection.parent)];
        const bool kept = detection.parent >= 0;
        place[model].push_back(kept ? static_cast<std::int32_t>(result.size()) : -1);
        if (kept) result.push_back(detection);
      }
    }
  }
}

std::vector<ModelReport> FrameRounds::report() const {
  const std::lock_guard lock(mutex_);
  return reports_;
}

}  // namespace osprey::engine
