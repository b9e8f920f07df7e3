// SPDX-License-Identifier: Apache-2.0
#include "media/encoder_input.hpp"

#include <libyuv/convert.h>

#include <cstring>
#include <memory>
#include <new>

#include "base/try.hpp"

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavutil/buffer.h>
#include <libavutil/frame.h>
#include <libavutil/pixfmt.h>
}

namespace osprey::media {
namespace {

AVPixelFormat av_format_of(PixelFormat format) {
  switch (format) {
    case PixelFormat::kGray8:
      return AV_PIX_FMT_GRAY8;
    case PixelFormat::kBgr24:
      return AV_PIX_FMT_BGR24;
    case PixelFormat::kRgb24:
      return AV_PIX_FMT_RGB24;
    case PixelFormat::kI420:
      return AV_PIX_FMT_YUV420P;
    case PixelFormat::kI422:
      return AV_PIX_FMT_YUV422P;
    case PixelFormat::kI444:
      return AV_PIX_FMT_YUV444P;
    case PixelFormat::kNv12:
      return AV_PIX_FMT_NV12;
  }
  return AV_PIX_FMT_NONE;
}

bool is_encoder_ready(const Image& image) {
  return image.format == PixelFormat::kI420 && image.matrix == ColorMatrix::kBt601 &&
         image.range == ColorRange::kLimited && image.width % 2 == 0 && image.height % 2 == 0;
}

/// A frame that looks at the image's own samples and keeps them alive.
AvPtr<AVFrame> borrow(const Image& image) {
  AvPtr<AVFrame> frame = make_frame();
  auto owner = std::make_unique<Image>(image);
  // The buffer only counts references; FFmpeg reads through `data`.
  frame->buf[0] = av_buffer_create(
      const_cast<std::uint8_t*>(image.planes[0].data), 1,
      [](void* held, std::uint8_t*) { delete static_cast<Image*>(held); }, owner.get(),
      AV_BUFFER_FLAG_READONLY);
  if (!frame->buf[0]) throw std::bad_alloc();
  static_cast<void>(owner.release());  // the buffer's now
  frame->format = AV_PIX_FMT_YUV420P;
  frame->width = image.width;
  frame->height = image.height;
  for (std::size_t plane = 0; plane < image.planes.size(); ++plane) {
    frame->data[plane] = const_cast<std::uint8_t*>(image.planes[plane].data);
    frame->linesize[plane] = image.planes[plane].stride;
  }
  return frame;
}

/// Doubles luma's last column and row where the picture's size is odd. Chroma is rounded up anyway.
void fill_even(AVFrame& frame, int width, int height) {
  std::uint8_t* const luma = frame.data[0];
  const std::ptrdiff_t stride = frame.linesize[0];
  if (width % 2 != 0) {
    for (int y = 0; y < height; ++y) luma[y * stride + width] = luma[y * stride + width - 1];
  }
  if (height % 2 != 0) {
    std::memcpy(luma + height * stride, luma + (height - 1) * stride,
                static_cast<std::size_t>(frame.width));
  }
}

}  // namespace

void set_picture(AVCodecContext& encoder, int width, int height) {
  encoder.width = (width + 1) / 2 * 2;
  encoder.height = (height + 1) / 2 * 2;
  encoder.pix_fmt = AV_PIX_FMT_YUV420P;
  encoder.color_range = AVCOL_RANGE_MPEG;
  encoder.colorspace = AVCOL_SPC_SMPTE170M;
  encoder.color_primaries = AVCOL_PRI_BT709;
  encoder.color_trc = AVCOL_TRC_BT709;
}

Result<AvPtr<AVFrame>> EncoderInput::convert(const Image& image) {
  if (is_encoder_ready(image)) return borrow(image);

  AvPtr<AVFrame> frame =
      pool_.get(AV_PIX_FMT_YUV420P, (image.width + 1) / 2 * 2, (image.height + 1) / 2 * 2);
  if (image.format == PixelFormat::kBgr24 || image.format == PixelFormat::kRgb24) {
    // Four times as fast as swscale, which rounds down besides. libyuv names byte orders backwards.
    const auto to_i420 =
        image.format == PixelFormat::kBgr24 ? &libyuv::RGB24ToI420 : &libyuv::RAWToI420;
    to_i420(image.planes[0].data, image.planes[0].stride, frame->data[0], frame->linesize[0],
            frame->data[1], frame->linesize[1], frame->data[2], frame->linesize[2], image.width,
            image.height);
  } else {
    const std::uint8_t* const planes[] = {image.planes[0].data, image.planes[1].data,
                                          image.planes[2].data, nullptr};
    const int strides[] = {image.planes[0].stride, image.planes[1].stride, image.planes[2].stride,
                           0};
    // swscale takes all gray for full range, as FrameConverter does.
    OSPREY_TRY(converter_.convert({av_format_of(image.format), image.matrix, image.range}, planes,
                                  strides,
                                  {AV_PIX_FMT_YUV420P, ColorMatrix::kBt601, ColorRange::kLimited},
                                  frame->data, frame->linesize, image.width, image.height));
  }
  fill_even(*frame, image.width, image.height);
  return frame;
}

}  // namespace osprey::media
