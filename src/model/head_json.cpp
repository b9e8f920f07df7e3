// SPDX-License-Identifier: Apache-2.0
#include "model/head_json.hpp"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "base/try.hpp"

namespace osprey::model {

namespace {

using nlohmann::json;

constexpr const char* kSource = "metadata osprey.head";
constexpr int kLargestStride = 1024;
constexpr float kLargestAnchor = 1e6f;
constexpr std::size_t kMostAnchors = 256;  // a stride

Error bad_head(const std::string& what) {
  return {ErrorCode::kCorrupt, std::string(kSource) + ": " + what};
}

Status check_keys(const json& object, std::initializer_list<const char*> known,
                  const std::string& where) {
  if (!object.is_object()) return bad_head(where + "expected a JSON object");
  for (const auto& item : object.items()) {
    const auto& key = item.key();
    if (std::none_of(known.begin(), known.end(), [&](const char* k) { return key == k; })) {
      return bad_head(where + "unknown key \"" + key + "\"");
    }
  }
  return {};
}

// A whole number of 0..most, or nothing.
std::optional<int> whole(const json& value, int most) {
  if (!value.is_number_integer() || value < 0 || value > most) return std::nullopt;
  return value.get<int>();
}

// A number that a float holds, greater than 0, or nothing.
std::optional<float> positive(const json& value, float most) {
  if (!value.is_number()) return std::nullopt;
  const double number = value.get<double>();
  if (!(number >= 1e-6 && number <= most)) return std::nullopt;
  return static_cast<float>(number);
}

Result<HeadKind> read_kind(const json& value) {
  static const std::pair<const char*, HeadKind> kKinds[] = {
      {"channels_first", HeadKind::kChannelsFirst}, {"rows", HeadKind::kRows},
      {"anchor_grid", HeadKind::kAnchorGrid},       {"yolox_grid", HeadKind::kYoloxGrid},
      {"end_to_end", HeadKind::kEndToEnd},          {"split_dfl", HeadKind::kSplitDfl}};
  for (const auto& [name, kind] : kKinds) {
    if (value == name) return kind;
  }
  return bad_head(
      "kind: expected \"channels_first\", \"rows\", \"anchor_grid\", \"yolox_grid\", "
      "\"end_to_end\" or \"split_dfl\"");
}

Result<std::optional<bool>> read_logits(const json& root) {
  const auto scores = root.find("scores");
  if (scores == root.end()) return std::optional<bool>();
  if (*scores == "logits") return std::optional<bool>(true);
  if (*scores == "probabilities") return std::optional<bool>(false);
  return bad_head("scores: expected \"logits\" or \"probabilities\"");
}

Result<int> read_output(const json& value, const ModelDescription& model) {
  const auto& outputs = model.outputs;
  if (const auto index = whole(value, static_cast<int>(outputs.size()) - 1)) return *index;
  if (value.is_string()) {
    const auto name = value.get<std::string>();
    const auto found = std::find_if(outputs.begin(), outputs.end(),
                                    [&](const auto& tensor) { return tensor.name == name; });
    if (found != outputs.end()) return static_cast<int>(found - outputs.begin());
    return bad_head("scales: the model has no output '" + name + "'");
  }
  return bad_head("scales: output: expected a name or an index below " +
                  std::to_string(outputs.size()));
}

Result<AnchorScale> read_scale(const json& value, AnchorRule rule, const ModelDescription& model) {
  OSPREY_TRY(check_keys(value, {"output", "stride", "anchors", "scale_xy"}, "scales: "));
  AnchorScale scale;
  scale.output = OSPREY_TRY(read_output(value.value("output", json()), model));
  const auto stride = whole(value.value("stride", json()), kLargestStride);
  if (!stride || *stride < 1) return bad_head("scales: stride: expected 1 to 1024");
  scale.stride = *stride;
  scale.scale_xy = rule == AnchorRule::kSquare ? 2.0f : 1.0f;
  if (value.contains("scale_xy")) {
    const auto factor = positive(value["scale_xy"], 100);
    if (!factor) return bad_head("scales: scale_xy: expected a number greater than 0");
    if (rule == AnchorRule::kSquare && *factor != 2) {
      return bad_head("scales: scale_xy: expected 2, which rule \"square\" implies");
    }
    scale.scale_xy = *factor;
  }
  const auto anchors = value.value("anchors", json());
  if (!anchors.is_array() || anchors.empty() || anchors.size() > kMostAnchors) {
    return bad_head("scales: anchors: expected a list of [width, height]");
  }
  for (const auto& anchor : anchors) {
    if (!anchor.is_array() || anchor.size() != 2) {
      return bad_head("scales: anchors: expected a list of [width, height]");
    }
    const auto width = positive(anchor[0], kLargestAnchor);
    const auto height = positive(anchor[1], kLargestAnchor);
    if (!width || !height) return bad_head("scales: anchors: expected sizes greater than 0");
    scale.anchors.push_back({*width, *height});
  }
  return scale;
}

Result<HeadLayout> read_anchor_grid(const json& root, const ModelDescription& model,
                                    const HeadFinder& finder) {
  OSPREY_TRY(check_keys(root, {"kind", "scores", "rule", "scales"}, ""));
  auto rule = AnchorRule::kExp;
  if (const auto said = root.find("rule"); said != root.end()) {
    if (*said != "exp" && *said != "square")
      return bad_head("rule: expected \"exp\" or \"square\"");
    if (*said == "square") rule = AnchorRule::kSquare;
  }
  const auto list = root.value("scales", json());
  if (!list.is_array() || list.empty() || list.size() > model.outputs.size()) {
    return bad_head("scales: expected a list with an entry for each output");
  }
  std::vector<AnchorScale> scales;
  for (const auto& item : list) scales.push_back(OSPREY_TRY(read_scale(item, rule, model)));
  const auto logits = OSPREY_TRY(read_logits(root));
  return finder.by_scales(rule, std::move(scales), logits.value_or(true), kSource);
}

}  // namespace

Result<HeadLayout> head_of_json(const std::string& text, const ModelDescription& model,
                                const HeadFinder& finder) {
  const auto root = json::parse(text, nullptr, false);
  if (!root.is_object()) return bad_head("expected a JSON object");
  const auto kind = OSPREY_TRY(read_kind(root.value("kind", json())));
  if (kind == HeadKind::kAnchorGrid) return read_anchor_grid(root, model, finder);
  OSPREY_TRY(check_keys(root, {"kind", "scores"}, ""));
  return finder.by_kind(kind, OSPREY_TRY(read_logits(root)), kSource);
}

}  // namespace osprey::model
