// SPDX-License-Identifier: Apache-2.0
#include "vision/letterbox.hpp"

#include <cstddef>
#include <cstring>

#include "vision/pack_row.hpp"

namespace osprey::vision {

namespace {

// How many pixels of a plane lie across (or down) one pixel of the picture, halved where chroma is.
struct Subsampling {
  int x = 1, y = 1;
};

Subsampling chroma_subsampling(PixelFormat format) {
  switch (format) {
    case PixelFormat::kI420:
    case PixelFormat::kNv12:
      return {2, 2};
    case PixelFormat::kI422:
      return {2, 1};
    default:
      return {1, 1};
  }
}

// cv::resize computes the reciprocal of the reciprocal; the last bit can decide a rounding.
double source_per_output(int source, int output) {
  return 1.0 / (static_cast<double>(output) / source);
}

// The plane's samples under pixels [begin, begin + size), and how far into the first one they
// begin.
struct Span {
  Span(int begin, int size, int sub)
      : first(begin / sub),
        count((begin + size + sub - 1) / sub - first),
        offset(static_cast<double>(begin % sub) / sub) {}

  int first, count;
  double offset;
};

void reset(BilinearScaler& scaler, const Letterbox& box, SampleGrid grid, const Plane& plane,
           Subsampling sub) {
  const Region& region = box.source;
  const Span x(region.x, region.width, sub.x), y(region.y, region.height, sub.y);
  grid.data = plane.data + static_cast<std::ptrdiff_t>(y.first) * plane.stride +
              static_cast<std::ptrdiff_t>(x.first) * grid.step;
  grid.stride = plane.stride;
  grid.width = x.count;
  grid.height = y.count;
  // Not the ratio of the plane's own size: an odd picture's last chroma sample hangs over its edge.
  scaler.reset(grid, box.width, {source_per_output(region.width, box.width) / sub.x, x.offset},
               {source_per_output(region.height, box.height) / sub.y, y.offset});
}

// Calls pack_picture_row(y, out) for the picture's rows and fills what is left of the input.
template <typename PackPictureRow>
void fill_input(const Letterbox& box, std::uint8_t pad, std::uint8_t* destination,
                const PackPictureRow& pack_picture_row) {
  const auto bytes = [](int pixels) { return static_cast<std::size_t>(pixels) * 3; };
  const std::size_t stride = bytes(box.input_width);
  const std::size_t left = bytes(box.x);
  const std::size_t right = bytes(box.input_width - box.x - box.width);
  std::uint8_t* row = destination;
  std::memset(row, pad, stride * static_cast<std::size_t>(box.y));
  row += stride * static_cast<std::size_t>(box.y);
  for (int y = 0; y < box.height; ++y, row += stride) {
    std::memset(row, pad, left);
    pack_picture_row(y, row + left);
    std::memset(row + stride - right, pad, right);
  }
  std::memset(row, pad, stride * static_cast<std::size_t>(box.input_height - box.y - box.height));
}

void letterbox_packed(const Image& image, const Letterbox& box, PackedOrder order, std::uint8_t pad,
                      std::uint8_t* destination, BilinearScaler& scaler) {
  SampleGrid grid{.step = 3, .channels = 3, .channel = {0, 1, 2}};
  const bool is_rgb = image.format == PixelFormat::kRgb24;
  if (is_rgb != (order == PackedOrder::kRgb)) grid.channel = {2, 1, 0};
  reset(scaler, box, grid, image.planes[0], {});
  fill_input(box, pad, destination,
             [&](int y, std::uint8_t* out) { pack_row(scaler.row(y), box.width * 3, out); });
}

void letterbox_gray(const Image& image, const Letterbox& box, std::uint8_t pad,
                    std::uint8_t* destination, BilinearScaler& scaler) {
  reset(scaler, box, {}, image.planes[0], {});
  fill_input(box, pad, destination,
             [&](int y, std::uint8_t* out) { pack_gray_row(scaler.row(y), box.width, out); });
}

void letterbox_yuv(const Image& image, const Letterbox& box, PackedOrder order, std::uint8_t pad,
                   std::uint8_t* destination, LetterboxScratch& scratch) {
  BilinearScaler& luma = scratch.planes[0];
  BilinearScaler& u = scratch.planes[1];
  BilinearScaler& v = scratch.planes[2];
  const Subsampling sub = chroma_subsampling(image.format);
  reset(luma, box, {}, image.planes[0], {});
  if (image.format == PixelFormat::kNv12) {
    reset(u, box, {.step = 2, .channel = {0}}, image.planes[1], sub);
    reset(v, box, {.step = 2, .channel = {1}}, image.planes[1], sub);
  } else {
    reset(u, box, {}, image.planes[1], sub);
    reset(v, box, {}, image.planes[2], sub);
  }
  const YuvToRgb matrix = YuvToRgb::of(image.matrix, image.range);
  fill_input(box, pad, destination, [&](int y, std::uint8_t* out) {
    pack_yuv_row(luma.row(y), u.row(y), v.row(y), matrix, order, box.width, out);
  });
}

}  // namespace

void letterbox(const Image& image, const Letterbox& box, PackedOrder order, std::uint8_t pad,
               std::uint8_t* destination, LetterboxScratch& scratch) {
  switch (image.format) {
    case PixelFormat::kBgr24:
    case PixelFormat::kRgb24:
      return letterbox_packed(image, box, order, pad, destination, scratch.planes[0]);
    case PixelFormat::kGray8:
      return letterbox_gray(image, box, pad, destination, scratch.planes[0]);
    case PixelFormat::kI420:
    case PixelFormat::kI422:
    case PixelFormat::kI444:
    case PixelFormat::kNv12:
      return letterbox_yuv(image, box, order, pad, destination, scratch);
  }
}

}  // namespace osprey::vision
