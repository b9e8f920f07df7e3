// SPDX-License-Identifier: Apache-2.0
#include "media/frame_converter.hpp"

#include <libyuv/rotate.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <new>
#include <opencv2/core.hpp>
#include <string>
#include <utility>

#include "base/try.hpp"

extern "C" {
#include <libavutil/buffer.h>
#include <libavutil/frame.h>
#include <libavutil/imgutils.h>
#include <libavutil/pixdesc.h>
}

namespace osprey::media {
namespace {

constexpr int kAlignment = 64;

bool is_rgb_like(AVPixelFormat format) {
  const AVPixFmtDescriptor* descriptor = av_pix_fmt_desc_get(format);
  return (descriptor->flags & (AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_PAL)) != 0 ||
         format == AV_PIX_FMT_XYZ12LE || format == AV_PIX_FMT_XYZ12BE;
}

/// The layout of PixelFormat that keeps the most of `format`.
AVPixelFormat nearest_layout(AVPixelFormat format) {
  const AVPixFmtDescriptor* descriptor = av_pix_fmt_desc_get(format);
  if (is_rgb_like(format)) return AV_PIX_FMT_BGR24;
  if (descriptor->nb_components <= 2) return AV_PIX_FMT_GRAY8;
  if (descriptor->log2_chroma_w == 0) return AV_PIX_FMT_YUV444P;
  return descriptor->log2_chroma_h == 0 ? AV_PIX_FMT_YUV422P : AV_PIX_FMT_YUV420P;
}

/// The layout as it is, if Image has it; with the deprecated yuvj* and the alpha formats under the
/// name of the layout their first three planes have. Else AV_PIX_FMT_NONE.
AVPixelFormat same_layout(AVPixelFormat format) {
  switch (format) {
    case AV_PIX_FMT_GRAY8:
    case AV_PIX_FMT_BGR24:
    case AV_PIX_FMT_RGB24:
    case AV_PIX_FMT_NV12:
      return format;
    case AV_PIX_FMT_YUV420P:
    case AV_PIX_FMT_YUVJ420P:
    case AV_PIX_FMT_YUVA420P:
      return AV_PIX_FMT_YUV420P;
    case AV_PIX_FMT_YUV422P:
    case AV_PIX_FMT_YUVJ422P:
    case AV_PIX_FMT_YUVA422P:
      return AV_PIX_FMT_YUV422P;
    case AV_PIX_FMT_YUV444P:
    case AV_PIX_FMT_YUVJ444P:
    case AV_PIX_FMT_YUVA444P:
      return AV_PIX_FMT_YUV444P;
    default:
      return AV_PIX_FMT_NONE;
  }
}

/// Turning 4:2:2 by a quarter would halve its chroma down instead of across, which no PixelFormat
/// has; and NV12's interleaved chroma is turned as two planes.
AVPixelFormat turnable_layout(AVPixelFormat layout, Orientation orientation) {
  if (layout == AV_PIX_FMT_YUV422P && orientation.swaps_sides()) return AV_PIX_FMT_YUV444P;
  if (layout == AV_PIX_FMT_NV12 && !orientation.upright()) return AV_PIX_FMT_YUV420P;
  return layout;
}

PixelFormat pixel_format_of(AVPixelFormat layout) {
  switch (layout) {
    case AV_PIX_FMT_GRAY8:
      return PixelFormat::kGray8;
    case AV_PIX_FMT_RGB24:
      return PixelFormat::kRgb24;
    case AV_PIX_FMT_YUV420P:
      return PixelFormat::kI420;
    case AV_PIX_FMT_YUV422P:
      return PixelFormat::kI422;
    case AV_PIX_FMT_YUV444P:
      return PixelFormat::kI444;
    case AV_PIX_FMT_NV12:
      return PixelFormat::kNv12;
    default:
      return PixelFormat::kBgr24;
  }
}

ColorMatrix matrix_of(const AVFrame& frame) {
  switch (frame.colorspace) {
    case AVCOL_SPC_BT709:
    case AVCOL_SPC_SMPTE240M:  // differs from BT.709 in the third decimal
      return ColorMatrix::kBt709;
    case AVCOL_SPC_BT2020_NCL:
    case AVCOL_SPC_BT2020_CL:
      return ColorMatrix::kBt2020;
    default:
      return ColorMatrix::kBt601;
  }
}

ColorRange range_of(const AVFrame& frame) {
  const auto format = static_cast<AVPixelFormat>(frame.format);
  if (is_rgb_like(format)) return ColorRange::kFull;
  switch (format) {
    case AV_PIX_FMT_YUVJ411P:
    case AV_PIX_FMT_YUVJ420P:
    case AV_PIX_FMT_YUVJ422P:
    case AV_PIX_FMT_YUVJ440P:
    case AV_PIX_FMT_YUVJ444P:
      return ColorRange::kFull;
    default:
      break;
  }
  if (frame.color_range == AVCOL_RANGE_JPEG) return ColorRange::kFull;
  if (frame.color_range == AVCOL_RANGE_MPEG) return ColorRange::kLimited;
  const bool gray = av_pix_fmt_desc_get(format)->nb_components <= 2;
  return gray ? ColorRange::kFull : ColorRange::kLimited;
}

/// Rows that go upwards in memory, as in bottom-up BMP.
bool is_upside_down(const AVFrame& frame) {
  return std::any_of(std::begin(frame.linesize), std::end(frame.linesize),
                     [](int stride) { return stride < 0; });
}

void turn_packed(const AVFrame& from, AVFrame& to, Orientation orientation) {
  const cv::Mat source(from.height, from.width, CV_8UC3, from.data[0],
                       static_cast<std::size_t>(from.linesize[0]));
  cv::Mat destination(to.height, to.width, CV_8UC3, to.data[0],
                      static_cast<std::size_t>(to.linesize[0]));
  constexpr int kVertically = 0;
  if (orientation.quarter_turns == 0) {
    cv::flip(source, destination, kVertically);
    return;
  }
  cv::Mat flipped = source;
  if (orientation.flip) cv::flip(source, flipped = cv::Mat(), kVertically);
  constexpr std::array kCodes = {cv::ROTATE_90_CLOCKWISE, cv::ROTATE_180,
                                 cv::ROTATE_90_COUNTERCLOCKWISE};
  cv::rotate(flipped, destination, kCodes[static_cast<std::size_t>(orientation.quarter_turns - 1)]);
}

void turn_planes(const AVFrame& from, AVFrame& to, Orientation orientation) {
  const AVPixFmtDescriptor* layout = av_pix_fmt_desc_get(static_cast<AVPixelFormat>(to.format));
  for (int plane = 0; plane < layout->nb_components; ++plane) {
    const bool chroma = plane > 0;
    const int width = AV_CEIL_RSHIFT(from.width, chroma ? layout->log2_chroma_w : 0);
    const int height = AV_CEIL_RSHIFT(from.height, chroma ? layout->log2_chroma_h : 0);
    // libyuv flips what has a negative height, before it turns.
    libyuv::RotatePlane(from.data[plane], from.linesize[plane], to.data[plane], to.linesize[plane],
                        width, orientation.flip ? -height : height,
                        static_cast<libyuv::RotationMode>(orientation.quarter_turns * 90));
  }
}

Image share(AvPtr<AVFrame> frame, AVPixelFormat layout, ColorMatrix matrix, ColorRange range) {
  Image image;
  image.format = pixel_format_of(layout);
  image.matrix = matrix;
  image.range = range;
  image.width = frame->width;
  image.height = frame->height;
  const int planes = av_pix_fmt_count_planes(layout);
  for (int plane = 0; plane < planes; ++plane) {
    image.planes[static_cast<std::size_t>(plane)] = {frame->data[plane], frame->linesize[plane]};
  }
  image.owner = std::shared_ptr<const AVFrame>(frame.release(), AvDeleter());
  return image;
}

}  // namespace

AvPtr<AVFrame> PicturePool::get(int av_format, int width, int height) {
  const auto format = static_cast<AVPixelFormat>(av_format);
  // Room behind the last row, as SIMD code writes whole vectors.
  const int size = av_image_get_buffer_size(format, width, height, kAlignment);
  if (size < 0) throw std::bad_alloc();
  const auto needed = static_cast<std::size_t>(size) + kAlignment;
  if (needed != size_) {
    pool_.reset(av_buffer_pool_init(needed, nullptr));
    size_ = needed;
  }
  AvPtr<AVFrame> frame = make_frame();
  if (pool_) frame->buf[0] = av_buffer_pool_get(pool_.get());
  if (!frame->buf[0]) throw std::bad_alloc();
  frame->format = format;
  frame->width = width;
  frame->height = height;
  av_image_fill_arrays(frame->data, frame->linesize, frame->buf[0]->data, format, width, height,
                       kAlignment);
  return frame;
}

Result<AvPtr<AVFrame>> FrameConverter::to_format(const AVFrame& frame, int target) {
  AvPtr<AVFrame> converted = converted_.get(target, frame.width, frame.height);
  // Only the layout is to change: what the colours mean goes with Image.
  const ColorMatrix matrix = matrix_of(frame);
  const ColorRange range = range_of(frame);
  OSPREY_TRY(converter_.convert({frame.format, matrix, range}, frame.data, frame.linesize,
                                {target, matrix, range}, converted->data, converted->linesize,
                                frame.width, frame.height));
  return converted;
}

AvPtr<AVFrame> FrameConverter::turn(const AVFrame& frame, Orientation orientation) {
  const bool swaps = orientation.swaps_sides();
  AvPtr<AVFrame> turned =
      turned_.get(same_layout(static_cast<AVPixelFormat>(frame.format)),
                  swaps ? frame.height : frame.width, swaps ? frame.width : frame.height);
  if (is_rgb_like(static_cast<AVPixelFormat>(frame.format))) {
    turn_packed(frame, *turned, orientation);
  } else {
    turn_planes(frame, *turned, orientation);
  }
  return turned;
}

Result<Image> FrameConverter::convert(AvPtr<AVFrame> frame, Orientation orientation) {
  const auto format = static_cast<AVPixelFormat>(frame->format);
  const ColorMatrix matrix = matrix_of(*frame);
  const ColorRange range = range_of(*frame);

  const AVPixelFormat as_is = same_layout(format);
  const AVPixelFormat layout =
      turnable_layout(as_is == AV_PIX_FMT_NONE ? nearest_layout(format) : as_is, orientation);
  if (layout != as_is || is_upside_down(*frame)) frame = OSPREY_TRY(to_format(*frame, layout));
  if (!orientation.upright()) frame = turn(*frame, orientation);
  return share(std::move(frame), layout, matrix, range);
}

}  // namespace osprey::media
