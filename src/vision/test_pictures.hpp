// SPDX-License-Identifier: Apache-2.0
// Pictures of every format for tests.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>

#include "vision/convert.hpp"

namespace osprey::vision {

inline constexpr PixelFormat kEveryFormat[] = {
    PixelFormat::kGray8, PixelFormat::kBgr24, PixelFormat::kRgb24, PixelFormat::kI420,
    PixelFormat::kI422,  PixelFormat::kI444,  PixelFormat::kNv12};

/// Samples of every value, without any order between neighbours.
inline Image noise_image(PixelFormat format, int width, int height, unsigned seed = 1) {
  const NewImage made = make_image(format, width, height);
  std::mt19937 random(seed);
  const bool nv12 = format == PixelFormat::kNv12;
  for (std::size_t p = 0; p < made.planes.size() && made.planes[p] != nullptr; ++p) {
    const bool halved = p > 0 && (nv12 || format == PixelFormat::kI420);
    const int rows = halved ? (height + 1) / 2 : height;
    const std::size_t bytes =
        static_cast<std::size_t>(made.image.planes[p].stride) * static_cast<std::size_t>(rows);
    for (std::size_t i = 0; i < bytes; ++i) {
      made.planes[p][i] = static_cast<std::uint8_t>(random() >> 11);
    }
  }
  return made.image;
}

/// One colour all over.
inline Image flat_image(PixelFormat format, int width, int height, std::uint8_t first,
                        std::uint8_t second, std::uint8_t third) {
  const NewImage made = make_image(format, width, height);
  const std::uint8_t value[] = {first, second, third};
  const bool packed = format == PixelFormat::kBgr24 || format == PixelFormat::kRgb24;
  const bool nv12 = format == PixelFormat::kNv12;
  for (std::size_t p = 0; p < made.planes.size() && made.planes[p] != nullptr; ++p) {
    const bool halved = p > 0 && (nv12 || format == PixelFormat::kI420);
    const int rows = halved ? (height + 1) / 2 : height;
    for (int i = 0; i < made.image.planes[p].stride * rows; ++i) {
      const std::size_t channel = packed           ? static_cast<std::size_t>(i % 3)
                                  : nv12 && p == 1 ? 1 + static_cast<std::size_t>(i % 2)
                                                   : p;
      made.planes[p][i] = value[channel];
    }
  }
  return made.image;
}

}  // namespace osprey::vision
