// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "base/try.hpp"
#include "model/class_names.hpp"
#include "model/head.hpp"
#include "model/head_finder.hpp"
#include "model/head_json.hpp"
#include "model/known_anchors.hpp"
#include "model/shape.hpp"

namespace osprey::model {

namespace {

constexpr int kDefaultSize = 640;
constexpr int kLargestSize = 16384;
constexpr int kCocoClasses = 80;

const std::string* metadata(const ModelDescription& model, const char* key) {
  const auto found = model.metadata.find(key);
  return found == model.metadata.end() ? nullptr : &found->second;
}

// The whole numbers in a text such as "[480, 640]", "640" or "(480, 640)".
std::vector<int> numbers_in(const std::string& text) {
  std::vector<int> numbers;
  bool inside = false;
  for (const char c : text) {
    const bool digit = c >= '0' && c <= '9';
    if (digit && !inside) numbers.push_back(0);
    if (digit) numbers.back() = std::min(numbers.back() * 10 + (c - '0'), kLargestSize + 1);
    inside = digit;
  }
  return numbers;
}

// --- Size ------------------------------------------------------------------------------------

struct Size {
  int width = 0, height = 0;
};

// Pixels that every side must be a multiple of for the network's strides to fit together.
int granularity(const ModelDescription& model) {
  constexpr int kUsual = 32;
  const auto* said = metadata(model, "stride");
  const auto numbers = said == nullptr ? std::vector<int>{} : numbers_in(*said);
  const bool usable = numbers.size() == 1 && numbers[0] >= 1 && numbers[0] <= 1024;
  return usable ? numbers[0] : kUsual;
}

// What the model would like if its size is open.
Size preferred_size(const ModelDescription& model) {
  const auto* said = metadata(model, "imgsz");
  const auto numbers = said == nullptr ? std::vector<int>{} : numbers_in(*said);
  if (numbers.empty() || numbers.size() > 2) return {kDefaultSize, kDefaultSize};
  return {numbers.back(), numbers.front()};
}

Result<int> side_of(const ModelDescription& model, std::int64_t fixed, std::optional<int> wanted,
                    int preferred, const std::string& side) {
  const auto where = model.path + ": input " + to_text(model.inputs[0]) + ": ";
  if (fixed != -1) {
    if (fixed < 1 || fixed > kLargestSize) {
      return Error{ErrorCode::kUnsupported,
                   where + side + ": expected 1 to " + std::to_string(kLargestSize) + " pixels"};
    }
    if (wanted && *wanted != fixed) {
      return Error{ErrorCode::kInvalidArgument, where + "the model's " + side + " is fixed at " +
                                                    std::to_string(fixed) + ", it cannot be " +
                                                    std::to_string(*wanted)};
    }
    return static_cast<int>(fixed);
  }
  const int pixels = wanted.value_or(preferred);
  const int step = granularity(model);
  if (pixels < step || pixels > kLargestSize || pixels % step != 0) {
    return Error{ErrorCode::kInvalidArgument,
                 where + "expected a " + side + " that is a multiple of " + std::to_string(step) +
                     " up to " + std::to_string(kLargestSize) + ", got " + std::to_string(pixels)};
  }
  return pixels;
}

Result<Size> find_size(const ModelDescription& model, const ModelOverrides& overrides) {
  std::string seen;
  for (const auto& input : model.inputs) seen += (seen.empty() ? "" : ", ") + to_text(input);
  const bool single = model.inputs.size() == 1 && model.inputs[0].shape.size() == 4;
  const auto shape = single ? model.inputs[0].shape : Shape(4, 0);
  const bool planar = shape[1] == 3;
  if ((!planar && shape[3] != 3) || (shape[0] != 1 && shape[0] != -1)) {
    return Error{ErrorCode::kUnsupported,
                 model.path + ": expected one input [1, 3, H, W] or [1, H, W, 3]; got " +
                     (seen.empty() ? "no inputs" : seen)};
  }
  const auto preferred = preferred_size(model);
  const auto height = OSPREY_TRY(
      side_of(model, shape[planar ? 2 : 1], overrides.imgsz_height, preferred.height, "height"));
  const auto width = OSPREY_TRY(
      side_of(model, shape[planar ? 3 : 2], overrides.imgsz_width, preferred.width, "width"));
  return Size{width, height};
}

// --- Head ------------------------------------------------------------------------------------

Status check_task(const ModelDescription& model) {
  const auto* task = metadata(model, "task");
  if (task == nullptr || *task == "detect") return {};
  static const std::pair<const char*, const char*> kTasks[] = {
      {"segment", "a segmentation model"},
      {"semantic", "a semantic segmentation model"},
      {"pose", "a pose model"},
      {"classify", "a classification model"},
      {"obb", "a model of rotated boxes"}};
  std::string what = "a model for another task";
  for (const auto& [name, text] : kTasks) {
    if (*task == name) what = text;
  }
  return Error{ErrorCode::kUnsupported, model.path + ": this is " + what + " (metadata task: " +
                                            *task + "); expected a detector (detect)"};
}

struct ForcedHead {
  std::string name;
  HeadKind kind;
  std::optional<bool> logits;
  const AnchorSet* anchors = nullptr;
};

const std::vector<ForcedHead>& forced_heads() {
  static const std::vector<ForcedHead> heads = [] {
    std::vector<ForcedHead> all = {{"channels-first", HeadKind::kChannelsFirst, {}},
                                   {"rows", HeadKind::kRows, {}},
                                   {"yolox-grid", HeadKind::kYoloxGrid, {}},
                                   {"end-to-end", HeadKind::kEndToEnd, {}},
                                   {"split-sigmoid", HeadKind::kSplitDfl, false},
                                   {"split-logits", HeadKind::kSplitDfl, true}};
    for (const auto& set : known_anchors()) {
      const auto name = "anchors-" + set.name;
      all.push_back({name, HeadKind::kAnchorGrid, true, &set});
      // rknn_model_zoo's exports of these end in a sigmoid.
      if (set.rule == AnchorRule::kSquare) {
        all.push_back({name + "-sigmoid", HeadKind::kAnchorGrid, false, &set});
      }
    }
    return all;
  }();
  return heads;
}

Result<HeadLayout> forced_head(const std::string& name, const HeadFinder& finder) {
  for (const auto& head : forced_heads()) {
    if (head.name != name) continue;
    const auto source = "head '" + name + "'";
    if (head.anchors == nullptr) return finder.by_kind(head.kind, head.logits, source);
    return finder.by_anchors(head.anchors->rule, head.anchors->scales, *head.logits, source);
  }
  std::string known;
  for (const auto& head : forced_heads()) known += (known.empty() ? "" : ", ") + head.name;
  return Error{ErrorCode::kInvalidArgument, "head '" + name + "': expected one of " + known};
}

Result<HeadLayout> find_head(const ModelDescription& model, const ModelOverrides& overrides,
                             const HeadFinder& finder) {
  if (!overrides.head.empty()) return forced_head(overrides.head, finder);
  if (const auto* json = metadata(model, "osprey.head")) {
    auto head = head_of_json(*json, model, finder);
    if (!head.ok() && !head.error().message.starts_with(model.path)) {
      return Error{head.error().code, model.path + ": " + head.error().message};
    }
    return head;
  }
  return finder.by_shape();
}

// --- Names -----------------------------------------------------------------------------------

struct Names {
  std::vector<std::string> names;
  std::string source;  // as ModelSpec::names_source; empty: none given
};

Result<Names> given_names(const ModelDescription& model, const ModelOverrides& overrides) {
  if (!overrides.names.empty()) return Names{overrides.names, "names file"};
  const auto* text = metadata(model, "names");
  if (text == nullptr) return Names{};
  auto names = parse_names(*text);
  if (!names.ok()) {
    return Error{ErrorCode::kCorrupt, model.path + ": metadata names: " + names.error().message};
  }
  return Names{std::move(names).value(), "metadata"};
}

Result<Names> complete_names(const ModelDescription& model, Names given, int classes) {
  if (!given.source.empty()) {
    if (given.names.size() == static_cast<std::size_t>(classes)) return given;
    const bool file = given.source == "names file";
    return Error{file ? ErrorCode::kInvalidArgument : ErrorCode::kCorrupt,
                 model.path + ": the " + (file ? "names file" : "metadata") + " names " +
                     std::to_string(given.names.size()) + " classes, but the outputs have " +
                     std::to_string(classes)};
  }
  if (classes == kCocoClasses) return Names{coco80_names(), "COCO-80"};
  Names numbered{{}, "numbered"};
  for (int i = 0; i < classes; ++i) numbered.names.push_back("class" + std::to_string(i));
  return numbered;
}

Result<InputSpec> find_input(const ModelDescription& model, Size size, HeadKind kind) {
  InputSpec input;
  input.width = size.width;
  input.height = size.height;
  if (kind == HeadKind::kYoloxGrid) {
    input.order = ChannelOrder::kBgr;
    input.std = {1, 1, 1};
    input.align = LetterboxAlign::kTopLeft;
  }
  if (const auto* json = metadata(model, "osprey.input")) {
    const auto applied = apply_input_json(*json, input);
    if (!applied.ok()) {
      return Error{applied.error().code, model.path + ": " + applied.error().message};
    }
  }
  return input;
}

}  // namespace

std::vector<std::string> head_names() {
  std::vector<std::string> names;
  for (const auto& head : forced_heads()) names.push_back(head.name);
  return names;
}

Result<ModelSpec> describe(const ModelDescription& model, const ModelOverrides& overrides) {
  OSPREY_TRY(check_task(model));
  const auto size = OSPREY_TRY(find_size(model, overrides));
  auto given = OSPREY_TRY(given_names(model, overrides));
  std::optional<int> named;
  if (!given.names.empty()) named = static_cast<int>(given.names.size());

  ModelSpec spec;
  const HeadFinder finder(model, size.width, size.height, named);
  spec.head = OSPREY_TRY(find_head(model, overrides, finder));
  spec.head.may_be_relative =
      spec.head.kind == HeadKind::kChannelsFirst && model.format == "TFLite";
  spec.input = OSPREY_TRY(find_input(model, size, spec.head.kind));
  auto names = OSPREY_TRY(complete_names(model, std::move(given), spec.head.classes));
  spec.names = std::move(names.names);
  spec.names_source = std::move(names.source);
  return spec;
}

}  // namespace osprey::model
