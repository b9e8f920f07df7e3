// SPDX-License-Identifier: Apache-2.0
#include "ensemble/labels.hpp"

#include <algorithm>
#include <unordered_map>

#include "base/try.hpp"

namespace osprey::ensemble {

namespace {

Result<std::vector<std::string>> renamed_names(const ModelLabels& model, const std::string& who) {
  auto names = model.names;
  std::vector<bool> done(names.size(), false);
  for (const auto& [from, to] : model.renamed) {
    bool found = false;
    for (std::size_t id = 0; id < names.size(); ++id) {
      if (model.names[id] != from) continue;
      if (done[id]) {
        return Error{ErrorCode::kInvalidArgument,
                     "model '" + who + "': map: '" + from + "' is there twice"};
      }
      names[id] = to;
      done[id] = found = true;
    }
    if (!found) {
      return Error{ErrorCode::kInvalidArgument,
                   "model '" + who + "': map: the model knows no class '" + from +
                       "'; expected one of its " + std::to_string(names.size()) + " names"};
    }
  }
  return names;
}

}  // namespace

Result<CommonLabels> unite_labels(const std::vector<ModelLabels>& models,
                                  const std::vector<std::string>& model_names) {
  CommonLabels common;
  if (models.size() == 1 && models[0].renamed.empty()) {
    // Also if two of its classes have one name.
    common.names = models[0].names;
    auto& ids = common.by_model.emplace_back(common.names.size());
    for (std::size_t id = 0; id < ids.size(); ++id) ids[id] = static_cast<std::int32_t>(id);
    return common;
  }
  std::unordered_map<std::string, std::int32_t> ids;
  for (std::size_t i = 0; i < models.size(); ++i) {
    auto& of_model = common.by_model.emplace_back();
    for (const auto& name : OSPREY_TRY(renamed_names(models[i], model_names[i]))) {
      const auto [entry, is_new] =
          ids.emplace(name, static_cast<std::int32_t>(common.names.size()));
      if (is_new) common.names.push_back(name);
      of_model.push_back(entry->second);
    }
  }
  return common;
}

}  // namespace osprey::ensemble
