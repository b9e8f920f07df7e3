// SPDX-License-Identifier: Apache-2.0
// The parts of a frame that a model looks at because another one found something there.
#pragma once

#include <osprey/detection.hpp>

#include <cstdint>
#include <span>
#include <vector>

#include "core/region.hpp"

namespace osprey::ensemble {

struct CropOptions {
  std::vector<std::int32_t> labels;  ///< objects of these, by the run's label ids; empty: all
  float conf = 0;                    ///< objects from this confidence on
  float margin = 0;                  ///< added at each side, 0..4 of the box's width or height
  int min_size = 16;                 ///< least width and height of the box, 1..4096 pixels
  int max_crops = 32;                ///< most a frame, the surest objects first, 1..4096
};

struct Crop {
  Region part;               ///< of the frame
  std::int32_t parent = -1;  ///< the object's place in `found`
};

/// `found`: by falling confidence, in pixels of a frame of width x height. Parts are rounded
/// outward to whole pixels and end with the frame.
std::vector<Crop> crops_of(std::span<const Detection> found, int width, int height,
                           const CropOptions& options);

}  // namespace osprey::ensemble
