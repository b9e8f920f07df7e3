// SPDX-License-Identifier: Apache-2.0
#include "engine/run_models.hpp"

#include <algorithm>

#include "base/try.hpp"

namespace osprey::engine {

namespace {

Status read(RunModel& model) {
  model.file = OSPREY_TRY(read_model(model.options));
  model.prepared.spec = OSPREY_TRY(understand(model.file, model.options));
  OSPREY_TRY(resolve_classes(model.options.classes, model.prepared.spec.names));
  return {};
}

/// With all that run on its boxes.
void leave_out(RunModels& run, std::size_t model, const std::string& why) {
  run.models[model].left_out = why;
  for (const auto follower : run.order.followers[model]) {
    leave_out(run, follower,
              "model '" + run.models[follower].options.name + "': runs after '" +
                  run.models[model].options.name + "', which is left out");
  }
}

/// A model that cannot be used: the run's error, unless it is optional.
Status go_on_without(RunModels& run, std::size_t model, Error error) {
  auto named = run.named(model, std::move(error));
  if (!run.models[model].options.optional) return named;
  leave_out(run, model, named.message);
  return {};
}

Status check_any_left(const RunModels& run) {
  const auto runs = [](const RunModel& model) { return model.runs(); };
  if (std::any_of(run.models.begin(), run.models.end(), runs)) return {};
  return Error{ErrorCode::kInvalidArgument, "no model is left: " + run.models[0].left_out};
}

Result<ensemble::Order> order_of(const std::vector<RunModel>& models) {
  std::vector<ensemble::Place> places;
  places.reserve(models.size());
  for (const auto& model : models) places.push_back({model.options.name, model.options.after});
  return ensemble::order_of(places);
}

Status unite_labels(RunModels& run) {
  std::vector<ensemble::ModelLabels> labels;
  std::vector<std::string> names;
  for (const auto& model : run.models) {
    if (model.runs()) {
      labels.push_back({model.prepared.spec.names, model.options.map});
    } else {
      labels.emplace_back();
    }
    names.push_back(model.options.name);
  }
  run.labels = OSPREY_TRY(ensemble::unite_labels(labels, names));
  for (std::size_t i = 0; i < run.models.size(); ++i) {
    auto& prepared = run.models[i].prepared;
    prepared.place = static_cast<std::int32_t>(i);
    if (run.several() || !run.models[i].options.map.empty()) {
      prepared.labels = run.labels.by_model[i];
    }
  }
  return {};
}

/// The run's label ids that a model can give.
std::vector<bool> known_to(const RunModels& run, std::size_t i) {
  std::vector<bool> knows(run.labels.names.size(), false);
  const auto& model = run.models[i];
  if (!model.runs()) return knows;
  const auto kept = *resolve_classes(model.options.classes, model.prepared.spec.names);
  const auto& common = run.labels.by_model[i];
  for (std::size_t id = 0; id < common.size(); ++id) {
    const bool is_kept =
        kept.empty() || std::find(kept.begin(), kept.end(), static_cast<int>(id)) != kept.end();
    if (is_kept) knows[static_cast<std::size_t>(common[id])] = true;
  }
  return knows;
}

/// What a model that runs on boxes is to look at.
Status set_crops(RunModels& run, std::size_t i) {
  auto& model = run.models[i];
  model.crops = model.options.crops;
  model.crops.conf = run.models[run.order.after[i]].conf;
  const auto& names = run.labels.names;
  const auto& knows = run.voters[run.order.after[i]].knows;
  for (const auto& label : model.options.on) {
    const auto at = std::find(names.begin(), names.end(), label);
    const auto id = static_cast<std::size_t>(at - names.begin());
    if (at == names.end() || !knows[id]) {
      const std::vector<std::string_view> known(names.begin(), names.end());
      return run.named(
          i, {ErrorCode::kInvalidArgument, "on: '" + model.options.after + "' finds no '" + label +
                                               "'" + suggestion(label, known)});
    }
    model.crops.labels.push_back(static_cast<std::int32_t>(id));
  }
  return {};
}

}  // namespace

const RunModel& RunModels::first() const {
  return *std::find_if(models.begin(), models.end(),
                       [](const RunModel& model) { return model.runs(); });
}

int RunModels::lanes() const {
  return first().prepared.session->lanes();
}

std::vector<std::string> RunModels::names_in_results() const {
  std::vector<std::string> names;
  if (!several()) return names;
  for (const auto& model : models) names.push_back(model.options.name);
  return names;
}

Error RunModels::named(std::size_t model, Error error) const {
  if (several()) {
    error.message = "model '" + models[model].options.name + "': " + error.message;
  }
  return error;
}

Result<RunModels> read_models(const Options& options) {
  RunModels run;
  for (auto& own : OSPREY_TRY(each_model(options))) {
    run.models.emplace_back().options = std::move(own);
  }
  run.order = OSPREY_TRY(order_of(run.models));
  for (std::size_t i = 0; i < run.models.size(); ++i) {
    auto& model = run.models[i];
    model.conf = model.options.conf;
    // What is followed may be unsure for a while.
    const bool is_followed = options.track && run.on_frame(i);
    if (is_followed) model.options.conf = std::min(model.conf, Options::kTrackLow);
  }
  run.fusion = {options.fuse, options.fuse_iou, options.agnostic_nms};
  run.max_det = static_cast<std::size_t>(options.max_det);
  for (std::size_t i = 0; i < run.models.size(); ++i) {
    if (!run.models[i].runs()) continue;
    if (auto status = read(run.models[i]); !status) {
      OSPREY_TRY(go_on_without(run, i, std::move(status).error()));
    }
  }
  OSPREY_TRY(check_any_left(run));
  OSPREY_TRY(unite_labels(run));
  for (std::size_t i = 0; i < run.models.size(); ++i) {
    const auto& model = run.models[i];
    run.voters.push_back({model.options.weight, run.on_frame(i) && model.runs(), known_to(run, i)});
  }
  for (std::size_t i = 0; i < run.models.size(); ++i) {
    if (run.models[i].runs() && !run.on_frame(i)) OSPREY_TRY(set_crops(run, i));
  }
  return run;
}

Status compile(RunModels& run) {
  int lanes = 0;
  for (std::size_t i = 0; i < run.models.size(); ++i) {
    auto& model = run.models[i];
    if (!model.runs()) continue;
    if (lanes > 0) model.options.lanes = lanes;
    if (auto status = compile(model.file, model.prepared, model.options); !status) {
      OSPREY_TRY(go_on_without(run, i, std::move(status).error()));
      run.voters[i].on_frame = false;
      continue;
    }
    lanes = model.prepared.session->lanes();
  }
  return check_any_left(run);
}

}  // namespace osprey::engine
