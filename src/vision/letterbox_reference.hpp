// SPDX-License-Identifier: Apache-2.0
// What letterbox() should give, in plain floating point: for tests and benchmarks only.
#pragma once

#include <osprey/image.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "core/letterbox.hpp"
#include "vision/packed_order.hpp"

namespace osprey::vision {

/// A sample of a plane at (x, y), in units of its samples, whose centres lie at halves. Outside of
/// `part` its edges are repeated.
inline double reference_sample(const Plane& plane, const Region& part, int step, int channel,
                               double x, double y) {
  const double left = std::floor(x - 0.5), top = std::floor(y - 0.5);
  const double fx = x - 0.5 - left, fy = y - 0.5 - top;
  const auto at = [&](double column, double row) -> double {
    const int c = std::clamp(static_cast<int>(column), part.x, part.x + part.width - 1);
    const int r = std::clamp(static_cast<int>(row), part.y, part.y + part.height - 1);
    return plane.data[std::ptrdiff_t{r} * plane.stride + std::ptrdiff_t{c} * step + channel];
  };
  return (1 - fy) * ((1 - fx) * at(left, top) + fx * at(left + 1, top)) +
         fy * ((1 - fx) * at(left, top + 1) + fx * at(left + 1, top + 1));
}

/// {red, green, blue} of limited or full range Y, U, V; the equations of BT.601, BT.709, BT.2020.
inline std::array<double, 3> reference_rgb(double y, double u, double v, ColorMatrix matrix,
                                           ColorRange range) {
  const double kr = matrix == ColorMatrix::kBt601   ? 0.299
                    : matrix == ColorMatrix::kBt709 ? 0.2126
                                                    : 0.2627;
  const double kb = matrix == ColorMatrix::kBt601   ? 0.114
                    : matrix == ColorMatrix::kBt709 ? 0.0722
                                                    : 0.0593;
  const bool limited = range == ColorRange::kLimited;
  const double luma = limited ? (y - 16) / 219 : y / 255;
  const double cb = (u - 128) / (limited ? 224 : 255);
  const double cr = (v - 128) / (limited ? 224 : 255);
  const double r = luma + 2 * (1 - kr) * cr;
  const double b = luma + 2 * (1 - kb) * cb;
  const double g = (luma - kr * r - kb * b) / (1 - kr - kb);
  return {255 * r, 255 * g, 255 * b};
}

/// The same contract as letterbox(), before rounding.
inline std::vector<double> letterbox_reference(const Image& image, const Letterbox& box,
                                               PackedOrder order, std::uint8_t pad) {
  std::vector<double> out(
      static_cast<std::size_t>(box.input_width) * static_cast<std::size_t>(box.input_height) * 3,
      pad);
  const bool packed = image.format == PixelFormat::kBgr24 || image.format == PixelFormat::kRgb24;
  const bool nv12 = image.format == PixelFormat::kNv12;
  const int sub_x =
      image.format == PixelFormat::kI420 || image.format == PixelFormat::kI422 || nv12 ? 2 : 1;
  const int sub_y = image.format == PixelFormat::kI420 || nv12 ? 2 : 1;
  const Region& part = box.source;
  Region chroma_part{part.x / sub_x, part.y / sub_y};
  chroma_part.width = (part.x + part.width + sub_x - 1) / sub_x - chroma_part.x;
  chroma_part.height = (part.y + part.height + sub_y - 1) / sub_y - chroma_part.y;
  for (int row = 0; row < box.height; ++row) {
    for (int column = 0; column < box.width; ++column) {
      const double x = part.x + (column + 0.5) * part.width / box.width;
      const double y = part.y + (row + 0.5) * part.height / box.height;
      std::array<double, 3> rgb{};
      if (packed) {
        for (std::size_t c = 0; c < 3; ++c) {
          const auto channel = static_cast<int>(image.format == PixelFormat::kRgb24 ? c : 2 - c);
          rgb[c] = reference_sample(image.planes[0], part, 3, channel, x, y);
        }
      } else {
        const double luma = reference_sample(image.planes[0], part, 1, 0, x, y);
        if (image.format == PixelFormat::kGray8) {
          rgb = {luma, luma, luma};
        } else {
          const auto chroma = [&](int which) {
            return reference_sample(image.planes[static_cast<std::size_t>(nv12 ? 1 : 1 + which)],
                                    chroma_part, nv12 ? 2 : 1, nv12 ? which : 0, x / sub_x,
                                    y / sub_y);
          };
          rgb = reference_rgb(luma, chroma(0), chroma(1), image.matrix, image.range);
        }
      }
      if (order == PackedOrder::kBgr) std::swap(rgb[0], rgb[2]);
      const auto pixel =
          (static_cast<std::size_t>(box.y + row) * static_cast<std::size_t>(box.input_width) +
           static_cast<std::size_t>(box.x + column)) *
          3;
      for (std::size_t c = 0; c < 3; ++c) out[pixel + c] = std::clamp(rgb[c], 0.0, 255.0);
    }
  }
  return out;
}

}  // namespace osprey::vision
