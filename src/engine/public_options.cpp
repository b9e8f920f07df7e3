// SPDX-License-Identifier: Apache-2.0
#include "engine/public_options.hpp"

#include <charconv>

#include "base/try.hpp"

namespace osprey::engine {

namespace {

// Ranges are checked by the same table that checks flags.
Status set(Options& options, std::string_view key, const std::string& text) {
  return find_option(key)->set(options, text);
}

// Exact and, unlike std::to_string, the same in every locale.
Status set(Options& options, std::string_view key, float value) {
  char text[32];
  const auto end = std::to_chars(std::begin(text), std::end(text), value).ptr;
  return set(options, key, std::string(text, end));
}

Status set_unless_empty(Options& options, std::string_view key, const std::string& text) {
  return text.empty() ? Status() : set(options, key, text);
}

// Without a look at whether there is a model at all.
Result<Options> without_model(const DetectorOptions& from) {
  Options to;
  to.model = from.model;
  to.names = from.names;
  to.classes = from.classes;
  to.agnostic_nms = from.agnostic_nms;
  OSPREY_TRY(set_unless_empty(to, "head", from.head));
  OSPREY_TRY(set(to, "conf", from.conf));
  OSPREY_TRY(set(to, "iou", from.iou));
  OSPREY_TRY(set(to, "max-det", std::to_string(from.max_det)));
  OSPREY_TRY(set(to, "threads", std::to_string(from.threads)));
  OSPREY_TRY(set_unless_empty(to, "tiles", from.tiles));
  if (!(from.overlap < 0)) OSPREY_TRY(set(to, "overlap", from.overlap));
  OSPREY_TRY(set(to, "min-object", std::to_string(from.min_object)));
  to.with_frame = from.with_frame;
  OSPREY_TRY(set_unless_empty(to, "merge", from.merge));
  return to;
}

}  // namespace

Result<Options> from_public(const DetectorOptions& from) {
  if (from.model.empty()) {
    return Error{ErrorCode::kInvalidArgument, "model: empty; expected a model file"};
  }
  return without_model(from);
}

Result<Options> from_public(const PipelineOptions& from) {
  auto to =
      OSPREY_TRY(from.plan.empty() ? from_public(from.detector) : without_model(from.detector));
  if (!from.plan.empty()) OSPREY_TRY(read_yaml(from.plan, to));
  to.sources = from.sources;
  to.track |= from.track;
  OSPREY_TRY(set(to, "lanes", std::to_string(from.lanes)));
  OSPREY_TRY(set(to, "in-flight", std::to_string(from.in_flight)));
  OSPREY_TRY(set(to, "vid-stride", std::to_string(from.vid_stride)));
  switch (from.policy) {
    case Policy::kAuto:
      break;
    case Policy::kWait:
      to.policy = "wait";
      break;
    case Policy::kDropOldest:
      to.policy = "drop_oldest";
      break;
    case Policy::kDropNewest:
      to.policy = "drop_newest";
      break;
  }
  return to;
}

}  // namespace osprey::engine
