// SPDX-License-Identifier: Apache-2.0
#include "tests/support/test_pictures.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <opencv2/imgcodecs.hpp>
#include <vector>

#include "core/packed_image.hpp"

namespace osprey::support {
namespace {

constexpr std::uint8_t kBackground = 16;
constexpr std::array<std::array<std::uint8_t, 3>, 3> kBgr = {
    {{0, 0, 255}, {0, 255, 0}, {255, 0, 0}}};

}  // namespace

Image picture_of(int width, int height, std::span<const Spot> spots) {
  const auto row = static_cast<std::size_t>(width) * 3;
  auto bytes = std::make_shared<std::vector<std::uint8_t>>(row * static_cast<std::size_t>(height),
                                                           kBackground);
  for (const auto& spot : spots) {
    const int right = std::min(spot.x + spot.width, width);
    const int bottom = std::min(spot.y + spot.height, height);
    for (int y = std::max(spot.y, 0); y < bottom; ++y) {
      for (int x = std::max(spot.x, 0); x < right; ++x) {
        std::ranges::copy(kBgr.at(static_cast<std::size_t>(spot.label)),
                          bytes->begin() + (static_cast<std::ptrdiff_t>(y) * width + x) * 3);
      }
    }
  }
  return packed_bgr(std::move(bytes), width, height);
}

Status write_picture(const Image& picture, const std::string& path) {
  const cv::Mat view(picture.height, picture.width, CV_8UC3,
                     const_cast<std::uint8_t*>(picture.planes[0].data),  // imwrite only reads
                     static_cast<std::size_t>(picture.planes[0].stride));
  try {
    if (picture.format == PixelFormat::kBgr24 && cv::imwrite(path, view)) return {};
  } catch (const cv::Exception&) {  // no such format
  }
  return Error{ErrorCode::kIo, path + ": cannot be written"};
}

}  // namespace osprey::support
