// SPDX-License-Identifier: Apache-2.0
// Box fusion: what several models found in a frame becomes one list with each object in it once.
#pragma once

#include <osprey/detection.hpp>

#include <cstdint>
#include <span>
#include <vector>

namespace osprey::ensemble {

enum class FusionMethod : unsigned char {
  kNone,  ///< all boxes stay
  /// A box is dropped if a surer one of its class overlaps it; how sure is confidence times the
  /// model's weight. Those that stay keep box and confidence.
  kNms,
  /// Weighted boxes fusion (Solovyev et al.): boxes that overlap become their mean, weighted by how
  /// sure they are, whose confidence falls with each model that should have found it and did not.
  kWbf,
};

struct FusionOptions {
  FusionMethod method = FusionMethod::kNms;
  float iou = 0.55f;      ///< 0.01..1; boxes overlap above it
  bool agnostic = false;  ///< boxes of different classes are fused too; the surest gives the class
};

/// A model as fusion sees it.
struct Voter {
  float weight = 1;  ///< > 0
  /// Whether it looked at the whole frame: others are no witnesses against what they did not find.
  bool on_frame = true;
  std::vector<bool> knows;  ///< by label: whether it can find such
};

struct Fused {
  std::vector<Detection> detections;  ///< by falling confidence, then label and corners
  std::vector<std::uint32_t> into;    ///< of each box given: the one that stands for it now
};

/// `found`: boxes in any order, `Detection::model` the place in `models`. A fused box has the model
/// of its surest member. With one weight, one set of classes and all models on the frame, kWbf is
/// ensemble-boxes' weighted_boxes_fusion with conf_type "avg". Equal input gives equal output.
/// Cost: a sort, and for each box a look at those of its class near it.
Fused fuse(std::span<const Detection> found, std::span<const Voter> models,
           const FusionOptions& options);

}  // namespace osprey::ensemble
