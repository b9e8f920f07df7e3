// SPDX-License-Identifier: Apache-2.0
// Which detections are right, by COCO's rules: the same as pycocotools 2.0.11, to the last bit.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "evaluate/dataset.hpp"

namespace osprey::evaluation {

constexpr std::size_t kThresholds = 10;  ///< of IoU: 0.50, 0.55 .. 0.95
constexpr std::size_t kAreas = 4;        ///< all, small (< 32^2), medium (< 96^2), large
constexpr std::size_t kMostPerPicture = 100;
constexpr std::uint32_t kNoLabel = UINT32_MAX;

/// The i-th threshold, as numpy.linspace makes it.
double iou_threshold(std::size_t i);

/// Intersection over union; for a crowd, over the detection's own area.
double iou(const Box& found, const Box& label, bool crowd);

/// A category's detections, the highest score first; of equal ones, the first picture's. Only the
/// best 100 of a picture are there.
struct CategoryMatches {
  struct Detection {
    std::uint32_t index = 0;         ///< in Detections
    std::uint8_t rank = 0;           ///< in its picture, from 0
    std::uint32_t label = kNoLabel;  ///< that it has at the first threshold, of all sizes
    /// Bit t: at the t-th threshold it has a label, or counts for nothing, for each area range.
    std::array<std::uint16_t, kAreas> matched{}, ignored{};
  };
  std::vector<Detection> detections;
  std::array<std::int64_t, kAreas> labels{};  ///< that count
};

/// One for each category. Spreads over `threads`.
std::vector<CategoryMatches> match(const GroundTruth& truth, const Detections& found, int threads);

}  // namespace osprey::evaluation
