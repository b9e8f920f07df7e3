// SPDX-License-Identifier: Apache-2.0
// One list of labels for several models.
#pragma once

#include <osprey/result.hpp>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace osprey::ensemble {

/// A model's own classes, and what some of them are called by the run.
struct ModelLabels {
  std::vector<std::string> names;  ///< by the model's label id
  /// From one of `names` to a label. Others keep their names.
  std::vector<std::pair<std::string, std::string>> renamed;
};

struct CommonLabels {
  std::vector<std::string> names;  ///< by the run's label id
  std::vector<std::vector<std::int32_t>>
      by_model;  ///< for each model: from its label id to the run's
};

/// Labels of the same name are one label. They are numbered in the order in which the models, the
/// first one first, name them; so a model alone keeps its numbers, unless it renames. Errors
/// (kInvalidArgument): a class renamed that the model does not have, or twice; it names the model
/// by its place in `models`, in words of `model_names`.
Result<CommonLabels> unite_labels(const std::vector<ModelLabels>& models,
                                  const std::vector<std::string>& model_names);

}  // namespace osprey::ensemble
