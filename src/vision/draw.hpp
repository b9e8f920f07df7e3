// SPDX-License-Identifier: Apache-2.0
// Boxes and labels on pictures.
#pragma once

#include <osprey/detection.hpp>
#include <osprey/image.hpp>

#include <span>
#include <string>
#include <vector>

#include "core/region.hpp"

namespace osprey::vision {

struct DrawOptions {
  int line_width = 0;  ///< pixels; 0: from the picture's size, as Ultralytics does
  bool labels = true;
  bool confidence = true;  ///< behind the name
  /// Parts of the picture, outlined in white below everything else; neighbours that overlap show as
  /// two lines.
  std::span<const Region> regions;
};

/// Boxes of objects with a number have its colour and "id:3" before their names, others the colour
/// of their class.
/// A new image (kBgr24) with `detections` drawn over `image`: all boxes, then
/// all labels, the last on top; names by label_id.
/// A class without a name shows its number; characters beyond ASCII show as '?' (the stroke font
/// has no others). Labels stay inside of the picture. Boxes without area, outside of the picture or
/// not finite are passed over. Threads: any. Cost: a full conversion to BGR and a few microseconds
/// a box.
Image annotate(const Image& image, std::span<const Detection> detections,
               const std::vector<std::string>& names, const DrawOptions& options = {});

}  // namespace osprey::vision
