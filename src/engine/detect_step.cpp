// SPDX-License-Identifier: Apache-2.0
#include "engine/detect_step.hpp"

#include <algorithm>

#include "base/try.hpp"

namespace osprey::engine {

void DetectStep::prepare(std::size_t slot, const Image& image, const Region& part) {
  const auto& input = model_.spec.input;
  const auto buffer = lane_.input(slot);
  letterboxes_[slot] = Letterbox::fit(part, buffer.width, buffer.height, input.align);
  const auto order = input.order == model::ChannelOrder::kRgb ? vision::PackedOrder::kRgb
                                                              : vision::PackedOrder::kBgr;
  vision::letterbox(image, letterboxes_[slot], order, input.pad, buffer.data, scratch_);
}

Result<std::vector<Detection>> DetectStep::finish(std::size_t slot) {
  std::vector<Detection> detections;
  OSPREY_TRY(model_.decoder->decode(lane_.outputs(slot), detections));
  model::nms(detections, model_.nms);
  for (auto& detection : detections) {
    detection.box = letterboxes_[slot].to_picture(detection.box);
  }
  return detections;
}

}  // namespace osprey::engine
