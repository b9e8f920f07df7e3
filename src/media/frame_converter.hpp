// SPDX-License-Identifier: Apache-2.0
// From a decoder's frame to an upright Image, without a copy where the layouts agree.
#pragma once

#include <osprey/image.hpp>
#include <osprey/result.hpp>

#include <cstddef>

#include "media/av_handles.hpp"
#include "media/layout_converter.hpp"
#include "media/orientation.hpp"

namespace osprey::media {

/// Pictures of one size whose memory is used again: fresh pages for each frame would cost more than
/// what is written to them.
class PicturePool {
 public:
  /// A picture with undefined content, rows aligned for SIMD. Throws std::bad_alloc.
  AvPtr<AVFrame> get(int av_format, int width, int height);

 private:
  AvPtr<AVBufferPool> pool_;
  std::size_t size_ = 0;
};

/// Threads: one; the images it gives: any, and they may outlive it.
class FrameConverter {
 public:
  /// The image owns `frame` where Image has the layout (8 bits a sample; alpha planes are left out)
  /// and it is upright; other layouts are converted to the nearest, others than upright ones
  /// turned. Colour matrix and range are the frame's; not said: BT.601, limited (gray: full).
  /// Errors: a layout that swscale does not know.
  Result<Image> convert(AvPtr<AVFrame> frame, Orientation orientation);

 private:
  /// `frame` in the AVPixelFormat `target`.
  Result<AvPtr<AVFrame>> to_format(const AVFrame& frame, int target);
  AvPtr<AVFrame> turn(const AVFrame& frame, Orientation orientation);

  LayoutConverter converter_;
  PicturePool converted_;
  PicturePool turned_;
};

}  // namespace osprey::media
