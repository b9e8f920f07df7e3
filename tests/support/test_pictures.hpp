// SPDX-License-Identifier: Apache-2.0
// Pictures with coloured rectangles, for the spot detector of test_models.hpp.
#pragma once

#include <osprey/detection.hpp>
#include <osprey/image.hpp>
#include <osprey/result.hpp>

#include <span>
#include <string>

namespace osprey::support {

/// A filled rectangle; label 0 red, 1 green, 2 blue: the spot detector's classes.
struct Spot {
  int x = 0, y = 0, width = 0, height = 0;  ///< pixels; clipped at the picture's borders
  int label = 0;

  Box box() const {
    return {static_cast<float>(x), static_cast<float>(y), static_cast<float>(x + width),
            static_cast<float>(y + height)};
  }
};

/// A kBgr24 picture of `spots` on very dark gray, later ones above earlier ones.
Image picture_of(int width, int height, std::span<const Spot> spots);

/// Writes a kBgr24 picture; the name's end chooses the format (.png and .ppm keep every sample).
Status write_picture(const Image& picture, const std::string& path);

}  // namespace osprey::support
