// SPDX-License-Identifier: Apache-2.0
// A picture through a place in a lane: in as pixels, out as detections.
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

/// A part of `image` into a network's input, scaled as `input` says; and how.
Letterbox put_in(const Image& image, const Region& part, const model::InputSpec& input,
                 const runtime::InputBuffer& buffer, vision::LetterboxScratch& scratch);

/// The CPU's share of a detection, before and after the network. Threads: one owner.
class DetectStep {
 public:
  /// Both outlive the step.
  DetectStep(const PreparedModel& model, runtime::Lane& lane);

  /// Letterboxes a part of `image` into the place's input.
  void prepare(std::size_t slot, std::size_t item, const Image& image, const Region& part);

  /// Reads the place's outputs: detections by falling confidence, with the run's labels, in the
  /// prepared image's pixels, clipped to the part. Errors: outputs that contradict the head; in the
  /// first runs, numbers that are none.
  Result<std::vector<Detection>> finish(std::size_t slot, std::size_t item);

 private:
  Status check_numbers(std::span<const TensorView> outputs);

  const PreparedModel& model_;
  runtime::Lane& lane_;
  std::array<std::vector<Letterbox>, runtime::Lane::kSlots> letterboxes_;  // by item
  vision::LetterboxScratch scratch_;
  int unchecked_ = 4;
};

}  // namespace osprey::engine
