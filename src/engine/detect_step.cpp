// SPDX-License-Identifier: Apache-2.0
#include "engine/detect_step.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "base/try.hpp"

namespace osprey::engine {

DetectStep::DetectStep(const PreparedModel& model, runtime::Lane& lane)
    : model_(model), lane_(lane) {
  const auto batch = static_cast<std::size_t>(model.session->batch());
  for (auto& of_slot : letterboxes_) of_slot.resize(batch);
}

Letterbox put_in(const Image& image, const Region& part, const model::InputSpec& input,
                 const runtime::InputBuffer& buffer, vision::LetterboxScratch& scratch) {
  const auto letterbox = Letterbox::fit(part, buffer.width, buffer.height, input.align);
  const auto order = input.order == model::ChannelOrder::kRgb ? vision::PackedOrder::kRgb
                                                              : vision::PackedOrder::kBgr;
  vision::letterbox(image, letterbox, order, input.pad, buffer.data, scratch);
  return letterbox;
}

void DetectStep::prepare(std::size_t slot, std::size_t item, const Image& image,
                         const Region& part) {
  letterboxes_[slot][item] =
      put_in(image, part, model_.spec.input, lane_.input(slot, item), scratch_);
}

Result<std::vector<Detection>> DetectStep::finish(std::size_t slot, std::size_t item) {
  const auto outputs = lane_.outputs(slot, item);
  if (unchecked_ > 0) OSPREY_TRY(check_numbers(outputs));
  std::vector<Detection> detections;
  OSPREY_TRY(model_.decoder->decode(outputs, detections));
  for (auto& detection : detections) {
    detection.model = model_.place;
    if (!model_.labels.empty()) {
      detection.label_id = model_.labels[static_cast<std::size_t>(detection.label_id)];
    }
  }
  model::nms(detections, model_.nms);
  for (auto& detection : detections) {
    detection.box = letterboxes_[slot][item].to_picture(detection.box);
  }
  return detections;
}

// A network that went wrong in its conversion mostly does so for every picture: a few are enough.
Status DetectStep::check_numbers(std::span<const TensorView> outputs) {
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const auto* values = outputs[i].data;
    const auto count = outputs[i].data == nullptr ? 0 : outputs[i].size();
    if (std::all_of(values, values + count, [](float v) { return std::isfinite(v); })) continue;
    return Error{ErrorCode::kCorrupt,
                 "output " + std::to_string(i) + " holds values that are not numbers"};
  }
  --unchecked_;
  return {};
}

}  // namespace osprey::engine
