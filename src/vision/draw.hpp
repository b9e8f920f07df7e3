// SPDX-License-Identifier: Apache-2.0
// Boxes and labels on pictures.
#pragma once

#include <osprey/detection.hpp>
#include <osprey/image.hpp>

#include <span>
#include <string>
#include <vector>

namespace osprey::vision {

struct DrawOptions {
  int line_width = 0;       ///< pixels; 0: from the picture's size
  bool labels = true;
  bool confidence = true;
};

/// A new image (kBgr24) with `detections` drawn over `image`; names by label_id.
Image annotate(const Image& image, std::span<const Detection> detections,
               const std::vector<std::string>& names, const DrawOptions& options = {});

}  // namespace osprey::vision
