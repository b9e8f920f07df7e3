// SPDX-License-Identifier: Apache-2.0
// A picture of any format, scaled and padded straight into a network's input.
#pragma once

#include <osprey/image.hpp>

#include <cstdint>
#include <vector>

#include "core/letterbox.hpp"

namespace osprey::vision {

enum class PackedOrder : std::uint8_t { kRgb, kBgr };

/// Scratch memory that one thread keeps between calls.
struct LetterboxScratch {
  std::vector<std::uint8_t> planes;
};

/// Writes the whole of `destination` (input_height x input_width x 3 bytes, no gaps): the picture,
/// bilinear with half-pixel centres (cv::INTER_LINEAR), and `pad` around it. YUV is scaled plane by
/// plane before the colours are converted, so the cost follows the input's size, not the picture's.
/// `image` has the size `box` was made for.
void letterbox(const Image& image, const Letterbox& box, PackedOrder order, std::uint8_t pad,
               std::uint8_t* destination, LetterboxScratch& scratch);

}  // namespace osprey::vision
