// SPDX-License-Identifier: Apache-2.0
#include "vision/convert.hpp"

#include <cstddef>
#include <memory>
#include <utility>

#include "vision/letterbox.hpp"

namespace osprey::vision {

namespace {

struct PlaneSize {
  int row_bytes = 0, rows = 0;
};

std::array<PlaneSize, 3> plane_sizes(PixelFormat format, int width, int height) {
  const int half_width = (width + 1) / 2;
  const int half_height = (height + 1) / 2;
  switch (format) {
    case PixelFormat::kGray8:
      return {{{width, height}}};
    case PixelFormat::kBgr24:
    case PixelFormat::kRgb24:
      return {{{width * 3, height}}};
    case PixelFormat::kI420:
      return {{{width, height}, {half_width, half_height}, {half_width, half_height}}};
    case PixelFormat::kI422:
      return {{{width, height}, {half_width, height}, {half_width, height}}};
    case PixelFormat::kI444:
      return {{{width, height}, {width, height}, {width, height}}};
    case PixelFormat::kNv12:
      return {{{width, height}, {half_width * 2, half_height}}};
  }
  return {};
}

}  // namespace

NewImage make_image(PixelFormat format, int width, int height) {
  const auto sizes = plane_sizes(format, width, height);
  const auto bytes = [](const PlaneSize& size) {
    return static_cast<std::size_t>(size.row_bytes) * static_cast<std::size_t>(size.rows);
  };
  const auto samples = std::make_shared_for_overwrite<std::uint8_t[]>(
      bytes(sizes[0]) + bytes(sizes[1]) + bytes(sizes[2]));
  NewImage made;
  made.image.format = format;
  made.image.width = width;
  made.image.height = height;
  made.image.owner = samples;
  std::uint8_t* next = samples.get();
  for (std::size_t i = 0; i < sizes.size() && sizes[i].rows > 0; ++i) {
    made.planes[i] = next;
    made.image.planes[i] = {next, sizes[i].row_bytes};
    next += bytes(sizes[i]);
  }
  return made;
}

NewImage copy_as_bgr(const Image& image) {
  NewImage copy = make_image(PixelFormat::kBgr24, image.width, image.height);
  const Letterbox same_size = Letterbox::fit({0, 0, image.width, image.height}, image.width,
                                             image.height, LetterboxAlign::kTopLeft);
  LetterboxScratch scratch;
  letterbox(image, same_size, PackedOrder::kBgr, 0, copy.planes[0], scratch);
  return copy;
}

Image to_bgr(const Image& image) {
  return image.format == PixelFormat::kBgr24 ? image : copy_as_bgr(image).image;
}

}  // namespace osprey::vision
