// SPDX-License-Identifier: Apache-2.0
// What settings mean together: each model's own, and contradictions.
#include <algorithm>
#include <filesystem>
#include <string>

#include "base/try.hpp"
#include "engine/options.hpp"

namespace osprey::engine {

namespace {

// The file's stem, with a number if another model has it.
std::string default_name(const std::string& file, const std::vector<Options>& others) {
  const auto stem = std::filesystem::path(file).stem().string();
  for (int number = 1;; ++number) {
    auto name = number == 1 ? stem : stem + "-" + std::to_string(number);
    const auto taken = [&](const Options& other) { return other.name == name; };
    if (std::none_of(others.begin(), others.end(), taken)) return name;
  }
}

Status check_role(const Options& own, const ModelSettings& said) {
  for (const auto& [spec, text] : said) {
    const bool about_boxes = spec->key == "on" || spec->key == "margin" ||
                             spec->key == "min-size" || spec->key == "max-crops" ||
                             spec->key == "results";
    const auto key = "model '" + own.name + "': " + std::string(spec->key);
    if (own.after.empty() && about_boxes) {
      return Error{ErrorCode::kInvalidArgument, key + ": needs after: NAME"};
    }
    if (!own.after.empty() && spec->group == OptionGroup::kTiles) {
      return Error{ErrorCode::kInvalidArgument,
                   key + ": a model that runs on boxes has no tiles; expected none, or no after"};
    }
  }
  return {};
}

}  // namespace

bool is_of_a_model(const OptionSpec& spec) {
  using enum OptionGroup;
  if (spec.key == "roi") return false;  // of the frame
  return spec.group == kModel || spec.group == kTiles || spec.group == kPlan ||
         spec.key == "batch" || spec.key == "precision";
}

Result<std::vector<Options>> each_model(const Options& options) {
  const Error no_model{ErrorCode::kInvalidArgument, "no model given; expected --model FILE"};
  std::vector<Options> models;
  if (options.models.empty()) {
    if (options.model.empty()) return no_model;
    auto& only = models.emplace_back(options);
    if (only.name.empty()) only.name = default_name(only.model, {});
    return models;
  }
  for (const auto& said : options.models) {
    Options own = options;
    own.models.clear();
    own.beside_others = options.models.size() > 1;
    own.model.clear();
    for (const auto& [spec, text] : said) OSPREY_TRY(spec->set(own, text));
    if (own.model.empty()) {
      return Error{ErrorCode::kInvalidArgument, "models: number " +
                                                    std::to_string(models.size() + 1) +
                                                    " has no `model:`; expected a file"};
    }
    if (own.name.empty()) own.name = default_name(own.model, models);
    OSPREY_TRY(check_role(own, said));
    models.push_back(std::move(own));
  }
  return models;
}

namespace {

// Also of names written differently and of links. Neither file need exist.
bool same_file(const std::string& a, const std::string& b) {
  namespace fs = std::filesystem;
  if (a.empty() || b.empty() || a == "-" || b == "-") return false;
  std::error_code error;
  if (fs::equivalent(a, b, error)) return true;
  const auto first = fs::weakly_canonical(fs::absolute(a), error);
  return !error && first == fs::weakly_canonical(fs::absolute(b), error);
}

// What is said for all models means something to one of them.
Status check_some_model_heeds(const Options& o, const std::vector<Options>& models) {
  const auto none = [&](auto has) { return std::none_of(models.begin(), models.end(), has); };
  const auto needs = [](const std::string& key, const std::string& other) {
    return Error{ErrorCode::kInvalidArgument, key + ": needs " + other};
  };
  const auto is_cut = [](const Options& m) { return !m.tiles.empty(); };
  const auto looks_at_parts = [](const Options& m) { return !m.tiles.empty() || !m.after.empty(); };
  const auto tries_batches = [](const Options& m) { return m.batch == Options::kAutoBatch; };
  if (o.overlap && none(is_cut)) return needs("--overlap", "--tiles PLAN");
  if (o.with_frame && none(is_cut)) return needs("--with-frame", "--tiles PLAN");
  if (o.draw_tiles && none(looks_at_parts)) return needs("--draw-tiles", "--tiles PLAN");
  if (o.max_latency > 0 && none(tries_batches)) return needs("--max-latency", "--batch auto");
  return {};
}

}  // namespace

Status check_files(const std::vector<std::string>& inputs,
                   const std::vector<std::pair<std::string_view, std::string>>& outputs) {
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const auto& [key, output] = outputs[i];
    for (std::size_t j = 0; j < i; ++j) {
      const auto& [other_key, other] = outputs[j];
      if (!same_file(output, other) && !(output == "-" && other == "-")) continue;
      return Error{ErrorCode::kInvalidArgument, "--" + std::string(other_key) + " and --" +
                                                    std::string(key) + ": both would write " +
                                                    output};
    }
    for (const auto& input : inputs) {
      if (!same_file(output, input)) continue;
      return Error{ErrorCode::kInvalidArgument,
                   "--" + std::string(key) + ": " + output +
                       " would be overwritten, and is read by this run"};
    }
  }
  return {};
}

Status check(const Options& o) {
  const auto wrong = [](std::string message) {
    return Error{ErrorCode::kInvalidArgument, std::move(message)};
  };
  if (o.sources.empty()) {
    return wrong("no source given; expected a video, picture, folder, glob, URL or -");
  }
  for (const auto& source : o.sources) {
    if (o.loop && (source == "-" || source.starts_with("pipe:"))) {
      return wrong("--loop: " + source + " cannot be read again; expected files");
    }
  }
  if (o.save_conf && !o.save_txt) return wrong("--save-conf: needs --save-txt");
  if (o.draw_tiles && !o.save) return wrong("--draw-tiles: needs --save");
  if (!o.save_mot.empty() && !o.track) return wrong("--save-mot: needs --track");
  if (o.track_buffer != Options().track_buffer && !o.track) {
    return wrong("--track-buffer: needs --track");
  }
  if (o.track && !o.coco.empty()) {
    return wrong("--coco: not with --track, which leaves out what is not followed");
  }
  const auto models = OSPREY_TRY(each_model(o));
  OSPREY_TRY(check_some_model_heeds(o, models));
  if (!o.coco_gt.empty() && o.coco.empty()) return wrong("--coco-gt: needs --coco FILE");
  auto inputs = o.sources;
  inputs.push_back(o.coco_gt);
  for (const auto& model : models) inputs.insert(inputs.end(), {model.model, model.names});
  return check_files(inputs, {{"json", o.json}, {"coco", o.coco}});
}

}  // namespace osprey::engine
