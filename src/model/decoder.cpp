// SPDX-License-Identifier: Apache-2.0
#include "model/decoder.hpp"

#include <algorithm>

#include "base/try.hpp"
#include "model/decoders.hpp"
#include "model/shape.hpp"

namespace osprey::model {

namespace {

constexpr int kMostClasses = 1 << 20;

Error contradiction(const std::string& what) {
  return {ErrorCode::kInvalidArgument, "head: " + what};
}

Status check_grids(const HeadLayout& head) {
  const bool anchors = head.kind == HeadKind::kAnchorGrid;
  const bool split = head.kind == HeadKind::kSplitDfl;
  const bool yolox = head.kind == HeadKind::kYoloxGrid;
  if ((anchors && head.scales.empty()) || (split && head.splits.empty()) ||
      (yolox && head.strides.empty())) {
    return contradiction("expected at least one stride");
  }
  std::vector<int> strides = head.strides;
  for (const auto& scale : head.scales) {
    strides.push_back(scale.stride);
    if (scale.anchors.empty()) return contradiction("a stride has no anchors");
  }
  for (const auto& scale : head.splits) strides.push_back(scale.stride);
  if (std::any_of(strides.begin(), strides.end(), [](int stride) { return stride < 1; })) {
    return contradiction("expected strides of at least 1");
  }
  return {};
}

Status check(const ModelSpec& spec, const DecodeOptions& options) {
  const int classes = spec.head.classes;
  if (classes < 1 || classes > kMostClasses) {
    return contradiction("expected 1 to " + std::to_string(kMostClasses) + " classes, got " +
                         std::to_string(classes));
  }
  if (spec.input.width < 1 || spec.input.height < 1) {
    return contradiction("expected an input of at least 1x1");
  }
  OSPREY_TRY(check_grids(spec.head));
  if (!(options.conf >= 0 && options.conf <= 1)) {
    return Error{ErrorCode::kInvalidArgument,
                 "conf: expected 0 to 1, got " + std::to_string(options.conf)};
  }
  for (const int label : options.classes) {
    if (label < 0 || label >= classes) {
      return Error{ErrorCode::kInvalidArgument, "classes: expected ids from 0 to " +
                                                    std::to_string(classes - 1) + ", got " +
                                                    std::to_string(label)};
    }
  }
  return {};
}

}  // namespace

Result<TensorView> output_at(std::span<const TensorView> outputs, int index) {
  if (index < 0 || static_cast<std::size_t>(index) >= outputs.size()) {
    return Error{ErrorCode::kInvalidArgument, "output " + std::to_string(index) +
                                                  ": the model gave only " +
                                                  std::to_string(outputs.size()) + " outputs"};
  }
  const auto& view = outputs[static_cast<std::size_t>(index)];
  if (std::any_of(view.shape.begin(), view.shape.end(), [](auto d) { return d < 0; }) ||
      (view.data == nullptr && view.steps == nullptr && view.size() > 0)) {
    return wrong_shape(index, view.shape, "a tensor with values");
  }
  return view;
}

Error wrong_shape(int index, const Shape& shape, const std::string& expected) {
  return {ErrorCode::kInvalidArgument, "output " + std::to_string(index) + ": shape " +
                                           to_text(shape) + "; expected " + expected};
}

Result<std::unique_ptr<Decoder>> Decoder::create(const ModelSpec& spec,
                                                 const DecodeOptions& options) {
  OSPREY_TRY(check(spec, options));
  ScoreRule rule(options, spec.head.classes, spec.head.scores_are_logits);
  switch (spec.head.kind) {
    case HeadKind::kChannelsFirst:
      return make_channels_first_decoder(spec, std::move(rule));
    case HeadKind::kRows:
      return make_rows_decoder(spec, std::move(rule));
    case HeadKind::kAnchorGrid:
      return make_anchor_grid_decoder(spec, std::move(rule));
    case HeadKind::kYoloxGrid:
      return make_yolox_grid_decoder(spec, std::move(rule));
    case HeadKind::kEndToEnd:
      return make_end_to_end_decoder(spec, std::move(rule));
    case HeadKind::kSplitDfl:
      return make_split_decoder(spec, std::move(rule));
  }
  return Error{ErrorCode::kInvalidArgument, "head: unknown kind"};
}

}  // namespace osprey::model
