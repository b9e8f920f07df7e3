// SPDX-License-Identifier: Apache-2.0
// Pictures whose samples lie without gaps.
#pragma once

#include <osprey/image.hpp>

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace osprey {

/// A kBgr24 picture of `pixels`: width x height x 3 bytes, which it keeps.
inline Image packed_bgr(std::shared_ptr<std::vector<std::uint8_t>> pixels, int width, int height) {
  Image image;
  image.format = PixelFormat::kBgr24;
  image.width = width;
  image.height = height;
  image.planes[0] = {pixels->data(), width * 3};
  image.owner = std::move(pixels);
  return image;
}

}  // namespace osprey
