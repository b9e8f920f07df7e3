// SPDX-License-Identifier: Apache-2.0
#include "engine/metadata_file.hpp"

#include <yaml-cpp/yaml.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <system_error>

#include "base/read_file.hpp"
#include "base/try.hpp"

namespace osprey::engine {

namespace {

// Names come as {0: person, 1: bicycle} or as a list; JSON has the same two forms.
std::string names_as_json(const YAML::Node& names) {
  auto json = names.IsMap() ? nlohmann::json::object() : nlohmann::json::array();
  for (const auto& entry : names) {
    if (names.IsMap()) {
      json[entry.first.Scalar()] = entry.second.Scalar();
    } else {
      json.push_back(entry.Scalar());
    }
  }
  return json.dump();
}

void add_custom_string(model::ModelDescription& description) {
  const auto custom = description.metadata.find("custom_string");
  if (custom == description.metadata.end()) return;
  const auto keys = nlohmann::json::parse(custom->second, nullptr, false);
  if (!keys.is_object()) return;
  for (const auto& [key, value] : keys.items()) {
    description.metadata.emplace(key, value.is_string() ? value.get<std::string>() : value.dump());
  }
}

}  // namespace

Status add_metadata_file(model::ModelDescription& description) {
  if (description.format == "ONNX") return {};
  add_custom_string(description);
  const auto path = std::filesystem::path(description.path).parent_path() / "metadata.yaml";
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) return {};
  const std::string text = OSPREY_TRY(base::read_file(path.string(), "a model's metadata"));
  try {
    const auto document = YAML::Load(text);
    if (!document.IsMap()) return {};
    for (const auto& entry : document) {
      const auto& key = entry.first.Scalar();
      if (entry.second.IsScalar()) {
        description.metadata.emplace(key, entry.second.Scalar());
      } else if (key == "names") {
        description.metadata.emplace(key, names_as_json(entry.second));
      }
    }
  } catch (const std::exception& e) {
    return Error{ErrorCode::kCorrupt, path.string() + ": not readable as YAML: " + e.what()};
  }
  return {};
}

std::string custom_string(const std::map<std::string, std::string>& metadata) {
  constexpr std::size_t kRoom = 1023;
  nlohmann::json keys(metadata);
  const auto text = [&] {
    return keys.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  };
  if (text().size() > kRoom) keys.erase("names");
  return text().size() > kRoom ? std::string() : text();
}

}  // namespace osprey::engine
