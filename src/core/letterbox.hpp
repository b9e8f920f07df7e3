// SPDX-License-Identifier: Apache-2.0
// Where a picture, or a part of one, lies inside a network's input, and the way back for boxes.
#pragma once

#include <osprey/detection.hpp>

#include "core/region.hpp"

namespace osprey {

/// Which part of the input the picture takes when its shape differs from the input's.
enum class LetterboxAlign : unsigned char {
  kCenter,   ///< padding shared by both sides (Ultralytics, Darknet)
  kTopLeft,  ///< padding at the right and bottom (YOLOX)
};

/// A part of a picture, scaled by one factor and placed inside input_width x input_height, exactly
/// as Ultralytics' LetterBox rounds it.
struct Letterbox {
  Region source;  ///< picture pixels
  int input_width = 0, input_height = 0;
  int x = 0, y = 0, width = 0, height = 0;  ///< the scaled picture's place in the input, pixels
  float gain = 1;                           ///< input pixels per source pixel

  /// All sizes > 0. The scaled part is at least 1x1.
  static Letterbox fit(const Region& source, int input_width, int input_height,
                       LetterboxAlign align);

  /// A box in input pixels -> the same box in the picture's pixels, clipped to the part.
  Box to_picture(const Box& in_input) const;
};

}  // namespace osprey
