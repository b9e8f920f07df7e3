// SPDX-License-Identifier: Apache-2.0
// From one pixel layout or meaning of colours to another, over swscale.
#pragma once

#include <osprey/image.hpp>
#include <osprey/result.hpp>

#include <cstdint>

#include "media/av_handles.hpp"

namespace osprey::media {

/// A picture's AVPixelFormat, and what its samples mean if they are YUV.
struct Layout {
  int av_format = -1;
  ColorMatrix matrix = ColorMatrix::kBt601;
  ColorRange range = ColorRange::kLimited;
  friend bool operator==(const Layout&, const Layout&) = default;
};

/// Keeps what swscale prepares for as long as the layouts and the size stay. Threads: one.
class LayoutConverter {
 public:
  /// A picture of `width` x `height` from `source` (4 planes; unused ones are null) into
  /// `destination`, which has room for it. Errors: swscale does not know a layout.
  Status convert(const Layout& from, const std::uint8_t* const* source, const int* source_strides,
                 const Layout& to, std::uint8_t* const* destination, const int* strides, int width,
                 int height);

 private:
  Status prepare(const Layout& from, const Layout& to, int width, int height);

  Layout from_;
  Layout to_;
  int width_ = 0;
  int height_ = 0;
  AvPtr<SwsContext> scaler_;
};

}  // namespace osprey::media
