// SPDX-License-Identifier: Apache-2.0
// New pictures, and pictures of any format as BGR.
#pragma once

#include <osprey/image.hpp>

#include <array>
#include <cstdint>

namespace osprey::vision {

/// A picture being made: write through `planes` (strides are image.planes'), then give out `image`.
struct NewImage {
  Image image;
  std::array<std::uint8_t*, 3> planes{};
};

/// An image that owns its samples, in one block without gaps; they have no values yet.
/// width, height > 0.
NewImage make_image(PixelFormat format, int width, int height);

/// A kBgr24 copy, as letterbox() converts, in the picture's own size.
NewImage copy_as_bgr(const Image& image);

/// The picture as kBgr24; `image` itself (sharing its samples) if it is one already.
Image to_bgr(const Image& image);

}  // namespace osprey::vision
