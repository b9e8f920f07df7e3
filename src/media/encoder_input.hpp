// SPDX-License-Identifier: Apache-2.0
// From an Image of any format to the 4:2:0 picture of even size that a video encoder takes.
#pragma once

#include <osprey/image.hpp>
#include <osprey/result.hpp>

#include "media/av_handles.hpp"
#include "media/frame_converter.hpp"
#include "media/layout_converter.hpp"

namespace osprey::media {

/// Tells `encoder` what convert() gives of an image of this size: the even size, the colours. What
/// decoders need is the matrix; the colours behind it are whatever the source's were, which is
/// BT.709 or sRGB today.
void set_picture(AVCodecContext& encoder, int width, int height);

/// Threads: one.
class EncoderInput {
 public:
  /// `image` as yuv420p, BT.601, limited; an odd last column or row is doubled. Shares the image's
  /// samples where they are that already. Errors: swscale knows no way.
  Result<AvPtr<AVFrame>> convert(const Image& image);

 private:
  PicturePool pool_;
  LayoutConverter converter_;
};

}  // namespace osprey::media
