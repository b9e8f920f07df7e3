// SPDX-License-Identifier: Apache-2.0
#include <yaml-cpp/yaml.h>

#include "base/read_file.hpp"
#include "base/try.hpp"
#include "engine/options.hpp"
#include "engine/options_node.hpp"

namespace osprey::engine {

namespace {

Error at_line(const std::string& path, const YAML::Mark& mark, const std::string& what) {
  return {ErrorCode::kInvalidArgument, path + ":" + std::to_string(mark.line + 1) + ": " + what};
}

// A scalar as it stands, a list with commas, keys and values with colons: the form in which flags
// give the same value.
Result<std::string> as_text(const std::string& path, const std::string& key,
                            const YAML::Node& value) {
  if (value.IsScalar()) return value.Scalar();
  if (value.IsSequence()) {
    std::string text;
    for (const auto& item : value) {
      if (!item.IsScalar()) return at_line(path, item.Mark(), key + ": expected a list of values");
      text += (text.empty() ? "" : ",") + item.Scalar();
    }
    return text;
  }
  if (value.IsMap() && key == "map") {
    std::string text;
    for (const auto& item : value) {
      if (!item.first.IsScalar() || !item.second.IsScalar()) {
        return at_line(path, item.first.Mark(), "map: expected classes and labels");
      }
      text += (text.empty() ? "" : ",") + item.first.Scalar() + ":" + item.second.Scalar();
    }
    return text;
  }
  return at_line(path, value.Mark(), key + ": expected a value or a list of values");
}

struct Setting {
  const OptionSpec* spec;
  std::string text;
};

// `known`: keys that mean something here, beside those of the table.
Result<Setting> read_setting(const std::string& path, const YAML::Node& name,
                             const YAML::Node& value, std::vector<std::string_view> known) {
  const auto& key = name.Scalar();
  const auto* spec = find_option(key);
  if (spec == nullptr) {
    for (const auto& option : option_table()) known.push_back(option.key);
    return at_line(path, name.Mark(), "unknown key '" + key + "'" + suggestion(key, known));
  }
  auto text = OSPREY_TRY(as_text(path, key, value));
  Options scratch;
  if (auto status = spec->set(scratch, text); !status) {
    return at_line(path, value.Mark(), status.error().message);
  }
  return Setting{spec, std::move(text)};
}

// Keys that are texts, with values.
Status check_entry(const std::string& path, const YAML::Node& name, const YAML::Node& value) {
  if (!name.IsScalar()) {
    return at_line(path, name.Mark(), "expected keys that are texts, as in `conf: 0.25`");
  }
  if (value.IsNull()) {  // whose own mark may be the next line's
    return at_line(path, name.Mark(), name.Scalar() + ": expected a value or a list of values");
  }
  return {};
}

Status read_models(const std::string& path, const YAML::Node& list, Options& options) {
  constexpr auto kExpected = "models: expected a list of models, each begun with `- model: FILE`";
  if (!list.IsSequence() || list.size() == 0) return at_line(path, list.Mark(), kExpected);
  options.models.clear();
  for (const auto& model : list) {
    if (!model.IsMap()) return at_line(path, model.Mark(), kExpected);
    auto& settings = options.models.emplace_back();
    for (const auto& entry : model) {
      OSPREY_TRY(check_entry(path, entry.first, entry.second));
      auto setting = OSPREY_TRY(read_setting(path, entry.first, entry.second, {}));
      if (!is_of_a_model(*setting.spec)) {
        return at_line(path, entry.first.Mark(),
                       std::string(setting.spec->key) +
                           ": is said for all models; expected it outside of `models:`");
      }
      settings.emplace_back(setting.spec, std::move(setting.text));
    }
  }
  return {};
}

// `model: [a.onnx, b.onnx]`: as the flag given twice.
Status read_model_list(const std::string& path, const YAML::Node& list, Options& options) {
  options.models.clear();
  for (const auto& file : list) {
    if (!file.IsScalar()) return at_line(path, file.Mark(), "model: expected a file or a list");
    options.models.push_back({{find_option("model"), file.Scalar()}});
  }
  return {};
}

Status read_sources(const std::string& path, const YAML::Node& value, Options& options) {
  options.sources.clear();
  if (value.IsScalar()) {
    options.sources.push_back(value.Scalar());
    return {};
  }
  constexpr auto kExpected = "source: expected a text or a list of texts";
  if (!value.IsSequence()) return at_line(path, value.Mark(), kExpected);
  for (const auto& item : value) {
    if (!item.IsScalar()) return at_line(path, item.Mark(), kExpected);
    options.sources.push_back(item.Scalar());
  }
  return {};
}

}  // namespace

Status read_settings(const std::string& path, const YAML::Node& document, Options& options) {
  if (document.IsNull()) return {};
  if (!document.IsMap()) {
    return at_line(path, document.Mark(), "expected keys and values, as in `conf: 0.25`");
  }
  for (const auto& entry : document) {
    OSPREY_TRY(check_entry(path, entry.first, entry.second));
    const auto key = entry.first.Scalar();
    if (key == "source") {
      OSPREY_TRY(read_sources(path, entry.second, options));
    } else if (key == "models") {
      OSPREY_TRY(read_models(path, entry.second, options));
    } else if (key == "model" && entry.second.IsSequence()) {
      OSPREY_TRY(read_model_list(path, entry.second, options));
    } else {
      const auto setting =
          OSPREY_TRY(read_setting(path, entry.first, entry.second, {"source", "models"}));
      if (setting.spec->group == OptionGroup::kPlan) {
        return at_line(path, entry.first.Mark(),
                       key + ": is said of one model; expected it under `models:`");
      }
      OSPREY_TRY(setting.spec->set(options, setting.text));
    }
  }
  return {};
}

Status read_yaml(const std::string& path, Options& options) {
  const std::string text = OSPREY_TRY(base::read_file(path, "a settings file"));
  try {
    return read_settings(path, YAML::Load(text), options);
  } catch (const YAML::ParserException& e) {
    return at_line(path, e.mark, e.msg);
  } catch (const std::exception& e) {
    return Error{ErrorCode::kCorrupt, path + ": not readable as YAML: " + e.what()};
  }
}

}  // namespace osprey::engine
