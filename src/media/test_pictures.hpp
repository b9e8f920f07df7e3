// SPDX-License-Identifier: Apache-2.0
// For tests: files; pictures whose content can be recognised; videos of them.
#pragma once

#include <gtest/gtest.h>
#include <osprey/image.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "base/file_testing.hpp"
#include "core/packed_image.hpp"

namespace osprey::media::testing_support {

using base::TemporaryFolder;
using base::write_text;

inline std::vector<char> read_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void write_bytes(const std::string& path, const std::vector<char>& bytes) {
  std::ofstream(path, std::ios::binary)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

struct Rgb {
  int r = 0, g = 0, b = 0;
};

inline std::ostream& operator<<(std::ostream& out, const Rgb& c) {
  return out << "rgb(" << c.r << ", " << c.g << ", " << c.b << ")";
}

/// The colour of one pixel, by the formulas of the standards.
inline Rgb color_at(const Image& image, int x, int y) {
  const auto sample = [&](std::size_t plane, int column, int row) {
    return static_cast<int>(
        image.planes[plane]
            .data[static_cast<std::ptrdiff_t>(row) * image.planes[plane].stride + column]);
  };
  int luma = 0, u = 128, v = 128;
  switch (image.format) {
    case PixelFormat::kBgr24:
      return {sample(0, 3 * x + 2, y), sample(0, 3 * x + 1, y), sample(0, 3 * x, y)};
    case PixelFormat::kRgb24:
      return {sample(0, 3 * x, y), sample(0, 3 * x + 1, y), sample(0, 3 * x + 2, y)};
    case PixelFormat::kGray8:
      luma = sample(0, x, y);
      break;
    case PixelFormat::kI420:
      luma = sample(0, x, y), u = sample(1, x / 2, y / 2), v = sample(2, x / 2, y / 2);
      break;
    case PixelFormat::kI422:
      luma = sample(0, x, y), u = sample(1, x / 2, y), v = sample(2, x / 2, y);
      break;
    case PixelFormat::kI444:
      luma = sample(0, x, y), u = sample(1, x, y), v = sample(2, x, y);
      break;
    case PixelFormat::kNv12:
      luma = sample(0, x, y), u = sample(1, x / 2 * 2, y / 2), v = sample(1, x / 2 * 2 + 1, y / 2);
      break;
  }
  const bool full = image.range == ColorRange::kFull;
  const double Y = full ? luma : (luma - 16) * 255.0 / 219;
  const double cb = (u - 128) * (full ? 1.0 : 255.0 / 224);
  const double cr = (v - 128) * (full ? 1.0 : 255.0 / 224);
  const double kr = image.matrix == ColorMatrix::kBt601   ? 0.299
                    : image.matrix == ColorMatrix::kBt709 ? 0.2126
                                                          : 0.2627;
  const double kb = image.matrix == ColorMatrix::kBt601   ? 0.114
                    : image.matrix == ColorMatrix::kBt709 ? 0.0722
                                                          : 0.0593;
  const double r = Y + 2 * (1 - kr) * cr;
  const double b = Y + 2 * (1 - kb) * cb;
  const double g = (Y - kr * r - kb * b) / (1 - kr - kb);
  const auto byte = [](double value) {
    return static_cast<int>(std::lround(std::clamp(value, 0.0, 255.0)));
  };
  return {byte(r), byte(g), byte(b)};
}

inline ::testing::AssertionResult is_near(const Rgb& got, const Rgb& wanted, int tolerance) {
  const int worst = std::max(
      {std::abs(got.r - wanted.r), std::abs(got.g - wanted.g), std::abs(got.b - wanted.b)});
  if (worst <= tolerance) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << got << " instead of " << wanted;
}

/// What the four corners of a numbered picture show.
inline constexpr Rgb kTopLeft{200, 40, 30};
inline constexpr Rgb kTopRight{40, 180, 60};
inline constexpr Rgb kBottomLeft{50, 60, 200};
inline constexpr Rgb kBottomRight{220, 210, 60};
inline constexpr int kNumberBits = 8;

/// kBgr24: a colour in each quarter, and across the middle the number's bits, the lowest at the
/// left: white for 1, black for 0.
inline Image numbered_picture(int width, int height, unsigned number) {
  auto pixels = std::make_shared<std::vector<std::uint8_t>>(static_cast<std::size_t>(width) *
                                                            static_cast<std::size_t>(height) * 3);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      Rgb color = y < height / 2 ? (x < width / 2 ? kTopLeft : kTopRight)
                                 : (x < width / 2 ? kBottomLeft : kBottomRight);
      if (y >= height * 3 / 8 && y < height * 5 / 8) {
        const bool bit = (number >> (x * kNumberBits / width)) & 1U;
        color = bit ? Rgb{240, 240, 240} : Rgb{15, 15, 15};
      }
      std::uint8_t* pixel = pixels->data() + (static_cast<std::ptrdiff_t>(y) * width + x) * 3;
      pixel[0] = static_cast<std::uint8_t>(color.b);
      pixel[1] = static_cast<std::uint8_t>(color.g);
      pixel[2] = static_cast<std::uint8_t>(color.r);
    }
  }
  return packed_bgr(std::move(pixels), width, height);
}

/// The number of an upright numbered picture.
inline unsigned number_in(const Image& image) {
  unsigned number = 0;
  for (int bit = 0; bit < kNumberBits; ++bit) {
    const int x = (2 * bit + 1) * image.width / (2 * kNumberBits);
    if (color_at(image, x, image.height / 2).g > 127) number |= 1U << bit;
  }
  return number;
}

inline ::testing::AssertionResult shows_corners(const Image& image, int tolerance) {
  const int left = image.width / 8, right = image.width - 1 - image.width / 8;
  const int top = image.height / 8, bottom = image.height - 1 - image.height / 8;
  for (const auto& [x, y, wanted] :
       {std::tuple(left, top, kTopLeft), std::tuple(right, top, kTopRight),
        std::tuple(left, bottom, kBottomLeft), std::tuple(right, bottom, kBottomRight)}) {
    if (auto result = is_near(color_at(image, x, y), wanted, tolerance); !result) {
      return result << " at " << x << ", " << y;
    }
  }
  return ::testing::AssertionSuccess();
}

/// A video of numbered pictures 0, 1, ...
struct VideoSpec {
  std::string encoder = "libx264";
  std::string pixel_format = "yuv420p";
  std::string options = "preset=ultrafast,qp=14,g=5";  ///< of the encoder
  unsigned count = 6;
  int width = 128, height = 96;
  std::vector<int> milliseconds;  ///< of each frame; empty: 100 apart
  int rotation = 0;               ///< what a player is told to turn by, clockwise, degrees
  bool bt709_full_range = false;  ///< else BT.601, the range that is the pixel format's, untold
  std::string muxer_options;
};

/// Encodes and muxes with FFmpeg's libraries; false if this FFmpeg lacks the encoder. Other
/// failures fail the test. In numbered_video_test.cpp.
bool make_video(const std::string& path, const VideoSpec& spec);

}  // namespace osprey::media::testing_support
