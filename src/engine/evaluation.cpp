// SPDX-License-Identifier: Apache-2.0
#include "engine/evaluation.hpp"

#include <osprey/detector.hpp>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <vector>

#include "base/atomic_file.hpp"
#include "base/try.hpp"
#include "core/packed_image.hpp"
#include "evaluate/read_labels.hpp"
#include "media/picture_codec.hpp"
#include "vision/letterbox.hpp"

namespace osprey::engine {

namespace {

std::string base64(const std::vector<std::uint8_t>& bytes) {
  static constexpr char kDigits[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto have = std::min<std::size_t>(3, bytes.size() - i);
    unsigned three = 0;
    for (std::size_t j = 0; j < 3; ++j) three = three << 8 | (j < have ? bytes[i + j] : 0u);
    for (std::size_t j = 0; j < 4; ++j) {
      text += j <= have ? kDigits[three >> (18 - 6 * j) & 63] : '=';
    }
  }
  return text;
}

Image scaled(const Image& image, int side) {
  const double factor = static_cast<double>(side) / std::max(image.width, image.height);
  const auto scale = [&](int length) {
    return std::max(1, static_cast<int>(std::lround(length * factor)));
  };
  const int width = scale(image.width), height = scale(image.height);
  auto pixels = std::make_shared<std::vector<std::uint8_t>>(static_cast<std::size_t>(width) *
                                                            static_cast<std::size_t>(height) * 3);
  vision::LetterboxScratch scratch;
  const auto box =
      Letterbox::fit({0, 0, image.width, image.height}, width, height, LetterboxAlign::kTopLeft);
  vision::letterbox(image, box, vision::PackedOrder::kBgr, 0, pixels->data(), scratch);
  return packed_bgr(std::move(pixels), width, height);
}

}  // namespace

Result<LabelledPictures> write_coco_labels(const std::string& data, const std::string& split,
                                           const std::string& images, const std::string& path) {
  evaluation::Warnings ignored;  // the evaluation reads them again
  const auto truth = OSPREY_TRY(evaluation::read_labels(data, split, ignored));
  LabelledPictures pictures{truth.pictures.size(), 0};
  for (const auto& picture : truth.pictures) {
    std::error_code error;
    const auto file = std::filesystem::path(images) / picture.file_name;
    pictures.absent += !std::filesystem::exists(file, error);
  }
  auto file = OSPREY_TRY(base::AtomicFile::create(path));
  OSPREY_TRY(file.write(evaluation::to_coco(truth)));
  OSPREY_TRY(file.commit());
  return pictures;
}

std::string small_picture(const std::string& path, int side) {
  const auto image = read_image(path);
  if (!image) return {};
  const bool fits = std::max(image->width, image->height) <= side;
  const auto bytes = media::encode_picture(fits ? *image : scaled(*image, side), ".jpg");
  return bytes ? "data:image/jpeg;base64," + base64(*bytes) : std::string();
}

}  // namespace osprey::engine
