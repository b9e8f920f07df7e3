// SPDX-License-Identifier: Apache-2.0
#include "option_flags.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>

#include "base/try.hpp"

namespace osprey::cli {

OptionFlags::OptionFlags(CLI::App& command, std::initializer_list<engine::OptionGroup> groups)
    : command_(command) {
  // Unknown flags are left over, so that apply() can say what was probably meant.
  command.allow_extras();
  command.add_option("--config", config_, "settings from a YAML file; flags win over it")
      ->option_text("FILE");
  known_.push_back("config");
  for (const auto& spec : engine::option_table()) {
    if (std::find(groups.begin(), groups.end(), spec.group) == groups.end()) continue;
    known_.push_back(spec.key);
    const auto flag = "--" + std::string(spec.key);
    const auto* entry = &spec;
    if (spec.value.empty()) {
      command
          .add_flag_function(
              flag,
              [this, entry](std::int64_t count) {
                given_.emplace_back(entry, count > 0 ? "true" : "false");
              },
              std::string(spec.help))
          ->group(std::string(engine::title_of(spec.group)));
    } else {
      command
          .add_option_function<std::vector<std::string>>(
              flag,
              [this, entry](const std::vector<std::string>& texts) {
                for (const auto& text : texts) given_.emplace_back(entry, text);
              },
              std::string(spec.help))
          ->expected(1)
          ->allow_extra_args(false)
          ->multi_option_policy(entry->key == "model" ? CLI::MultiOptionPolicy::TakeAll
                                                      : CLI::MultiOptionPolicy::Throw)
          ->option_text(std::string(spec.value))
          ->group(std::string(engine::title_of(spec.group)));
    }
  }
}

Status OptionFlags::apply(engine::Options& options) const {
  for (const auto& extra : command_.remaining()) {
    if (!extra.starts_with("--")) {
      return Error{ErrorCode::kInvalidArgument, "unexpected argument '" + extra + "'"};
    }
    const auto key = extra.substr(2, extra.find('=') - 2);
    auto hint = engine::suggestion(key, known_);
    if (const auto at = hint.find("mean "); at != std::string::npos) hint.insert(at + 5, "--");
    return Error{ErrorCode::kInvalidArgument, "unknown option --" + key + hint};
  }
  // Sources on the command line replace the file's.
  const auto sources = options.sources;
  if (!config_.empty()) OSPREY_TRY(engine::read_yaml(config_, options));
  if (!sources.empty()) options.sources = sources;
  std::vector<engine::ModelSettings> models;
  for (const auto& [spec, text] : given_) {
    OSPREY_TRY(spec->set(options, text));
    if (spec->key == "model") models.push_back({{spec, text}});
  }
  // Those on the command line too.
  if (!models.empty()) options.models.clear();
  if (models.size() > 1) options.models = std::move(models);
  return {};
}

}  // namespace osprey::cli
