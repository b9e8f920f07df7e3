// SPDX-License-Identifier: Apache-2.0
// One picture through one slot of a lane: in as pixels, out as detections.
#pragma once

#include <osprey/detection.hpp>
#include <osprey/image.hpp>
#include <osprey/result.hpp>

#include <array>
#include <cstddef>
#include <vector>

#include "core/letterbox.hpp"
#include "engine/prepared_model.hpp"
#include "vision/letterbox.hpp"

namespace osprey::engine {

/// The CPU's share of a detection, before and after the network. Threads: one owner.
class DetectStep {
 public:
  /// Both outlive the step.
  DetectStep(const PreparedModel& model, runtime::Lane& lane) : model_(model), lane_(lane) {}

  /// Letterboxes a part of `image` into the slot's input.
  void prepare(std::size_t slot, const Image& image, const Region& part);

  /// Reads the slot's outputs: detections by falling confidence, in the prepared image's pixels,
  /// clipped to the part.
  Result<std::vector<Detection>> finish(std::size_t slot);

 private:
  const PreparedModel& model_;
  runtime::Lane& lane_;
  std::array<Letterbox, runtime::Lane::kSlots> letterboxes_{};
  vision::LetterboxScratch scratch_;
};

}  // namespace osprey::engine
