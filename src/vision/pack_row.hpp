// SPDX-License-Identifier: Apache-2.0
// Scaled rows blended and turned into packed 8-bit pixels.
#pragma once

#include <osprey/image.hpp>

#include <cstdint>

#include "vision/bilinear.hpp"
#include "vision/packed_order.hpp"

namespace osprey::vision {

/// YUV -> RGB in fixed point: r = luma (y - offset) + red_v (v - 128), and so on.
struct YuvToRgb {
  std::int16_t luma_offset;                      ///< levels
  std::int16_t luma;                             ///< times 2^14
  std::int16_t red_v, green_u, green_v, blue_u;  ///< times 2^13

  static YuvToRgb of(ColorMatrix matrix, ColorRange range);
};

/// `count` samples -> `count` bytes, rounded as cv::resize does. A row without blending and scaling
/// comes out unchanged.
void pack_row(const RowBlend& samples, int count, std::uint8_t* out);

/// `width` samples -> `width` pixels of three equal bytes.
void pack_gray_row(const RowBlend& gray, int width, std::uint8_t* out);

/// `width` samples of each -> `width` pixels. Blends and converts in one go, with 5 fraction bits.
void pack_yuv_row(const RowBlend& y, const RowBlend& u, const RowBlend& v, const YuvToRgb& matrix,
                  PackedOrder order, int width, std::uint8_t* out);

}  // namespace osprey::vision
