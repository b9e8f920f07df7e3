// SPDX-License-Identifier: Apache-2.0
// The models of a run: read, understood, compiled, and what they are to each other.
#pragma once

#include <osprey/result.hpp>

#include <string>
#include <vector>

#include "engine/options.hpp"
#include "engine/prepared_model.hpp"
#include "ensemble/crops.hpp"
#include "ensemble/fusion.hpp"
#include "ensemble/labels.hpp"
#include "ensemble/order.hpp"

namespace osprey::engine {

struct RunModel {
  Options options;  ///< those of each_model()
  ModelFile file;   ///< until it is compiled
  PreparedModel prepared;
  float conf = 0;  ///< from which on what it finds counts; `options` may ask it for less
  ensemble::CropOptions crops;  ///< if it runs on boxes
  std::string left_out;         ///< why the run goes on without it; empty: it does not

  bool runs() const { return left_out.empty(); }
};

/// All models of a run, in the order in which they were given: what else is by model follows it.
struct RunModels {
  std::vector<RunModel> models;
  ensemble::Order order;
  ensemble::CommonLabels labels;
  std::vector<ensemble::Voter> voters;
  ensemble::FusionOptions fusion;
  std::size_t max_det = 0;

  bool on_frame(std::size_t model) const { return order.after[model] == ensemble::Order::kFrame; }
  /// Lanes of each. After compile().
  int lanes() const;
  /// The first that runs. After compile().
  const RunModel& first() const;
  bool several() const { return models.size() > 1; }
  /// The models' names, if there are several: for results, which then say whose they are.
  std::vector<std::string> names_in_results() const;
  /// `error` with the model's name before it, if there are several.
  Error named(std::size_t model, Error error) const;
};

/// Reads the models that `options` name and finds out what they are to each other; compiles none.
/// One that is optional and cannot be read is left out, with all that run after it. Errors name the
/// model, if there are several.
Result<RunModels> read_models(const Options& options);

/// Compiles them. All have as many lanes as the first one. Cost: up to seconds a model.
Status compile(RunModels& models);

}  // namespace osprey::engine
