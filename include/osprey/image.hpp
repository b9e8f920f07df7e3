// SPDX-License-Identifier: Apache-2.0
// A picture in memory: planes of 8-bit samples that several owners may look at, none may change.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

namespace osprey {

/// How an image's samples lie in its planes. Chroma planes of odd-sized images are rounded up.
enum class PixelFormat : std::uint8_t {
  kGray8,  ///< 1 plane
  kBgr24,  ///< 1 plane, 3 bytes a pixel
  kRgb24,  ///< 1 plane, 3 bytes a pixel
  kI420,   ///< Y, U, V; chroma halved both ways (4:2:0)
  kI422,   ///< Y, U, V; chroma halved across (4:2:2)
  kI444,   ///< Y, U, V; full chroma (4:4:4)
  kNv12,   ///< Y, then U and V interleaved; 4:2:0
};

/// The matrix that turns YUV into RGB; without meaning for RGB and gray.
enum class ColorMatrix : std::uint8_t { kBt601, kBt709, kBt2020 };

/// Limited: luma 16..235, chroma 16..240 (broadcast). Full: 0..255 (JPEG).
enum class ColorRange : std::uint8_t { kLimited, kFull };

/// One plane's rows: row y starts at data + y * stride (bytes).
struct Plane {
  const std::uint8_t* data = nullptr;
  int stride = 0;
};

/// An immutable picture. Copies are cheap and share the samples; the last copy frees them.
/// Threads: any number may read at once.
struct Image {
  PixelFormat format = PixelFormat::kBgr24;
  ColorMatrix matrix = ColorMatrix::kBt601;
  ColorRange range = ColorRange::kLimited;
  int width = 0;   ///< pixels, > 0 in every image a function of Osprey takes or gives
  int height = 0;  ///< pixels, > 0
  std::array<Plane, 3> planes{};
  std::shared_ptr<const void> owner;  ///< keeps the samples alive; may be null for borrowed memory

  bool empty() const { return width <= 0 || height <= 0 || planes[0].data == nullptr; }
};

}  // namespace osprey
