// SPDX-License-Identifier: Apache-2.0
#include "vision/letterbox.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "vision/letterbox_reference.hpp"
#include "vision/test_pictures.hpp"

namespace osprey::vision {
namespace {

struct Shape {
  int width, height, input_width, input_height;
};

// Shrinking, growing, copying, exact halves and thirds, odd sizes, single pixels, strips.
const Shape kShapes[] = {
    {192, 108, 64, 64},  {768, 576, 64, 64},   {101, 67, 64, 64},  {64, 64, 64, 64},
    {64, 48, 64, 64},    {128, 96, 64, 64},    {33, 17, 160, 96},  {17, 33, 96, 160},
    {1, 1, 32, 32},      {1, 1, 1, 1},         {2, 2, 7, 5},       {3, 5, 64, 64},
    {1, 300, 40, 40},    {300, 1, 40, 40},     {4001, 3, 64, 48},  {2, 3001, 48, 64},
    {500, 400, 1, 1},    {31, 31, 30, 30},     {65, 63, 66, 62},   {15, 9, 15, 9},
    {640, 360, 100, 90}, {1921, 1081, 61, 37}, {16, 16, 255, 255},
};

std::string text_of(const Shape& s) {
  return std::to_string(s.width) + "x" + std::to_string(s.height) + " -> " +
         std::to_string(s.input_width) + "x" + std::to_string(s.input_height);
}

std::vector<std::uint8_t> letterboxed(const Image& image, const Letterbox& box, PackedOrder order,
                                      std::uint8_t pad = 114) {
  std::vector<std::uint8_t> out(
      static_cast<std::size_t>(box.input_width) * static_cast<std::size_t>(box.input_height) * 3,
      7);
  LetterboxScratch scratch;
  letterbox(image, box, order, pad, out.data(), scratch);
  return out;
}

Letterbox fit(const Shape& s, LetterboxAlign align = LetterboxAlign::kCenter) {
  return Letterbox::fit({0, 0, s.width, s.height}, s.input_width, s.input_height, align);
}

cv::Mat letterboxed_by_opencv(const cv::Mat& picture, const Letterbox& box) {
  cv::Mat small, out;
  cv::resize(picture, small, {box.width, box.height}, 0, 0, cv::INTER_LINEAR);
  cv::copyMakeBorder(small, out, box.y, box.input_height - box.y - box.height, box.x,
                     box.input_width - box.x - box.width, cv::BORDER_CONSTANT,
                     cv::Scalar::all(114));
  return out;
}

struct Difference {
  double largest = 0, mean = 0;
};

template <typename Expected>
Difference difference(const std::vector<std::uint8_t>& got, const Expected* expected) {
  Difference d;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double error = std::abs(static_cast<double>(got[i]) - static_cast<double>(expected[i]));
    d.largest = std::max(d.largest, error);
    d.mean += error / static_cast<double>(got.size());
  }
  return d;
}

TEST(LetterboxTest, packed_pictures_give_the_bytes_of_opencv) {
  for (const Shape& shape : kShapes) {
    for (const LetterboxAlign align : {LetterboxAlign::kCenter, LetterboxAlign::kTopLeft}) {
      const Letterbox box = fit(shape, align);
      const Image image = noise_image(PixelFormat::kBgr24, shape.width, shape.height);
      const cv::Mat bgr(shape.height, shape.width, CV_8UC3,
                        const_cast<std::uint8_t*>(image.planes[0].data));
      const cv::Mat expected = letterboxed_by_opencv(bgr, box);
      EXPECT_EQ(difference(letterboxed(image, box, PackedOrder::kBgr), expected.data).largest, 0)
          << text_of(shape);
    }
  }
}

TEST(LetterboxTest, packed_pictures_give_the_bytes_of_opencv_at_any_ratio) {
  for (int width = 1; width <= 130; width += 3) {
    const Shape shape{width, 131 - width, 64, 48};
    const Image image = noise_image(PixelFormat::kRgb24, shape.width, shape.height);
    const cv::Mat rgb(shape.height, shape.width, CV_8UC3,
                      const_cast<std::uint8_t*>(image.planes[0].data));
    const cv::Mat expected = letterboxed_by_opencv(rgb, fit(shape));
    EXPECT_EQ(difference(letterboxed(image, fit(shape), PackedOrder::kRgb), expected.data).largest,
              0)
        << text_of(shape);
  }
}

TEST(LetterboxTest, a_part_of_a_packed_picture_gives_the_bytes_of_opencv_for_the_cut_out_part) {
  const Image image = noise_image(PixelFormat::kBgr24, 101, 83);
  const cv::Mat bgr(83, 101, CV_8UC3, const_cast<std::uint8_t*>(image.planes[0].data));
  for (const Region& part :
       {Region{13, 7, 64, 48}, Region{37, 19, 64, 64}, Region{100, 82, 1, 1}}) {
    const Letterbox box = Letterbox::fit(part, 40, 48, LetterboxAlign::kCenter);
    const cv::Mat cut_out = bgr(cv::Rect(part.x, part.y, part.width, part.height)).clone();
    EXPECT_EQ(difference(letterboxed(image, box, PackedOrder::kBgr),
                         letterboxed_by_opencv(cut_out, box).data)
                  .largest,
              0);
  }
}

TEST(LetterboxTest, the_order_of_channels_is_swapped_where_asked) {
  const Shape shape{37, 21, 32, 32};
  Image image = noise_image(PixelFormat::kBgr24, shape.width, shape.height);
  const auto bgr = letterboxed(image, fit(shape), PackedOrder::kBgr);
  auto rgb = letterboxed(image, fit(shape), PackedOrder::kRgb);
  for (std::size_t i = 0; i < rgb.size(); i += 3) std::swap(rgb[i], rgb[i + 2]);
  EXPECT_EQ(rgb, bgr);
  image.format = PixelFormat::kRgb24;
  EXPECT_EQ(letterboxed(image, fit(shape), PackedOrder::kRgb), bgr);
}

TEST(LetterboxTest, a_packed_picture_of_the_inputs_size_is_copied) {
  const Image image = noise_image(PixelFormat::kRgb24, 57, 43);
  const auto out = letterboxed(image, fit({57, 43, 57, 43}), PackedOrder::kRgb);
  EXPECT_EQ(std::memcmp(out.data(), image.planes[0].data, out.size()), 0);
}

TEST(LetterboxTest, rows_may_lie_apart_or_upside_down) {
  const Image image = noise_image(PixelFormat::kBgr24, 60, 40);
  Image flipped = image;
  flipped.planes[0] = {image.planes[0].data + 39 * image.planes[0].stride, -image.planes[0].stride};
  const NewImage spread = make_image(PixelFormat::kBgr24, 100, 40);
  for (int y = 0; y < 40; ++y) {
    std::memcpy(spread.planes[0] + y * 300, flipped.planes[0].data + y * flipped.planes[0].stride,
                180);
  }
  Image spread_image = spread.image;
  spread_image.width = 60;
  const Letterbox box = fit({60, 40, 32, 32});
  EXPECT_EQ(letterboxed(flipped, box, PackedOrder::kBgr),
            letterboxed(spread_image, box, PackedOrder::kBgr));
}

TEST(LetterboxTest, reads_no_byte_outside_of_the_planes) {
  // Exactly sized heap blocks: AddressSanitizer sees what lies outside.
  for (const PixelFormat format : kEveryFormat) {
    for (const Shape& shape : {Shape{1, 1, 8, 8}, Shape{15, 3, 20, 20}, Shape{17, 5, 33, 31},
                               Shape{35, 35, 16, 16}, Shape{90, 20, 64, 64}}) {
      Image image = noise_image(format, shape.width, shape.height);
      std::vector<std::unique_ptr<std::uint8_t[]>> blocks;
      for (std::size_t p = 0; p < 3 && image.planes[p].data != nullptr; ++p) {
        const bool halved = p > 0 && (format == PixelFormat::kI420 || format == PixelFormat::kNv12);
        const int rows = halved ? (shape.height + 1) / 2 : shape.height;
        const auto bytes = static_cast<std::size_t>(image.planes[p].stride * rows);
        blocks.push_back(std::make_unique<std::uint8_t[]>(bytes));
        std::memcpy(blocks.back().get(), image.planes[p].data, bytes);
        image.planes[p].data = blocks.back().get();
      }
      const Image whole = noise_image(format, shape.width, shape.height);
      EXPECT_EQ(letterboxed(image, fit(shape), PackedOrder::kRgb),
                letterboxed(whole, fit(shape), PackedOrder::kRgb));
    }
  }
}

using Color = std::tuple<ColorMatrix, ColorRange>;

class LetterboxColorTest : public testing::TestWithParam<Color> {};

TEST_P(LetterboxColorTest, every_format_is_within_one_and_a_half_levels_of_the_reference) {
  for (const PixelFormat format : kEveryFormat) {
    for (const Shape& shape : kShapes) {
      if (shape.width * shape.height > 500'000) continue;  // time
      Image image = noise_image(format, shape.width, shape.height);
      std::tie(image.matrix, image.range) = GetParam();
      const Letterbox box = fit(shape);
      const auto expected = letterbox_reference(image, box, PackedOrder::kRgb, 114);
      const auto got = letterboxed(image, box, PackedOrder::kRgb);
      const Difference d = difference(got, expected.data());
      EXPECT_LE(d.largest, 1.5) << text_of(shape) << " format " << static_cast<int>(format);
      EXPECT_LE(d.mean, 0.45) << text_of(shape) << " format " << static_cast<int>(format);
    }
  }
}

TEST_P(LetterboxColorTest,
       a_part_is_within_one_and_a_half_levels_of_the_reference_wherever_it_lies) {
  const Region parts[] = {{0, 0, 64, 48},  {1, 1, 64, 48},   {2, 5, 33, 31},   {31, 22, 40, 57},
                          {100, 0, 1, 83}, {99, 81, 2, 2},   {0, 82, 101, 1},  {100, 82, 1, 1},
                          {7, 3, 94, 80},  {50, 40, 51, 43}, {33, 33, 16, 16}, {0, 0, 101, 83}};
  for (const PixelFormat format : kEveryFormat) {
    Image image = noise_image(format, 101, 83);
    std::tie(image.matrix, image.range) = GetParam();
    for (const Region& part : parts) {
      const Letterbox box = Letterbox::fit(part, 48, 40, LetterboxAlign::kCenter);
      const auto expected = letterbox_reference(image, box, PackedOrder::kRgb, 114);
      const Difference d = difference(letterboxed(image, box, PackedOrder::kRgb), expected.data());
      EXPECT_LE(d.largest, 1.5) << part.x << "," << part.y << " " << part.width << "x"
                                << part.height << " format " << static_cast<int>(format);
    }
  }
}

TEST_P(LetterboxColorTest, flat_colours_are_within_two_thirds_of_a_level) {
  const auto [matrix, range] = GetParam();
  const int levels[] = {0, 1, 16, 17, 60, 100, 128, 129, 180, 219, 235, 240, 254, 255};
  LetterboxScratch scratch;
  for (const int y : levels) {
    for (const int u : levels) {
      for (const int v : levels) {
        const std::uint8_t samples[] = {static_cast<std::uint8_t>(y), static_cast<std::uint8_t>(u),
                                        static_cast<std::uint8_t>(v)};
        const Image image{.format = PixelFormat::kI444,
                          .matrix = matrix,
                          .range = range,
                          .width = 1,
                          .height = 1,
                          .planes = {{{samples, 1}, {samples + 1, 1}, {samples + 2, 1}}}};
        std::uint8_t rgb[3];
        letterbox(image, fit({1, 1, 1, 1}), PackedOrder::kRgb, 0, rgb, scratch);
        const auto expected = reference_rgb(y, u, v, matrix, range);
        for (std::size_t c = 0; c < 3; ++c) {
          ASSERT_NEAR(rgb[c], std::clamp(expected[c], 0.0, 255.0), 0.67)
              << y << " " << u << " " << v << " channel " << c;
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(EveryColour, LetterboxColorTest,
                         testing::Combine(testing::Values(ColorMatrix::kBt601, ColorMatrix::kBt709,
                                                          ColorMatrix::kBt2020),
                                          testing::Values(ColorRange::kLimited,
                                                          ColorRange::kFull)));

TEST(LetterboxTest, broadcast_colour_bars_have_the_colours_of_the_standards) {
  struct Bar {
    ColorMatrix matrix;
    std::uint8_t y, u, v;
    int r, g, b;
  };
  // 75 % bars of BT.601 (SMPTE EG 1) and 100 % primaries of BT.709 and BT.2020, limited range.
  const Bar bars[] = {{ColorMatrix::kBt601, 180, 128, 128, 191, 191, 191},
                      {ColorMatrix::kBt601, 65, 100, 212, 191, 0, 0},
                      {ColorMatrix::kBt601, 112, 72, 58, 0, 191, 0},
                      {ColorMatrix::kBt601, 35, 212, 114, 0, 0, 191},
                      {ColorMatrix::kBt709, 63, 102, 240, 255, 0, 0},
                      {ColorMatrix::kBt709, 173, 42, 26, 0, 255, 0},
                      {ColorMatrix::kBt709, 32, 240, 118, 0, 0, 255},
                      {ColorMatrix::kBt2020, 74, 97, 240, 255, 0, 0},
                      {ColorMatrix::kBt2020, 29, 240, 119, 0, 0, 255}};
  for (const Bar& bar : bars) {
    for (const PixelFormat format :
         {PixelFormat::kI420, PixelFormat::kI422, PixelFormat::kI444, PixelFormat::kNv12}) {
      Image image = flat_image(format, 34, 18, bar.y, bar.u, bar.v);
      image.matrix = bar.matrix;
      const auto out = letterboxed(image, fit({34, 18, 21, 11}), PackedOrder::kRgb);
      for (std::size_t i = 0; i < out.size(); i += 3) {
        if (out[i] == 114 && out[i + 1] == 114 && out[i + 2] == 114) continue;  // padding
        ASSERT_NEAR(out[i], bar.r, 2);
        ASSERT_NEAR(out[i + 1], bar.g, 2);
        ASSERT_NEAR(out[i + 2], bar.b, 2);
      }
    }
  }
}

TEST(LetterboxTest, opencvs_conversion_before_scaling_gives_nearly_the_same_picture) {
  // Soft shapes in strong colours, like a photograph's content.
  const int width = 640, height = 360;
  cv::Mat bgr(height, width, CV_8UC3);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      bgr.at<cv::Vec3b>(y, x) = cv::Vec3b(
          cv::saturate_cast<std::uint8_t>(128 + 120 * std::sin(x * 0.05) * std::cos(y * 0.03)),
          cv::saturate_cast<std::uint8_t>(128 + 120 * std::sin((x + y) * 0.04)),
          cv::saturate_cast<std::uint8_t>(128 + 120 * std::cos(x * 0.021 - y * 0.06)));
    }
  }
  cv::Mat yuv, rgb;
  cv::cvtColor(bgr, yuv, cv::COLOR_BGR2YUV_I420);
  cv::cvtColor(yuv, rgb, cv::COLOR_YUV2RGB_I420);
  const std::uint8_t* u = yuv.data + width * height;
  const Image image{
      .format = PixelFormat::kI420,
      .width = width,
      .height = height,
      .planes = {{{yuv.data, width}, {u, width / 2}, {u + width * height / 4, width / 2}}}};
  for (const int size : {160, 224, 416, 640}) {
    const Letterbox box = fit({width, height, size, size});
    const cv::Mat expected = letterboxed_by_opencv(rgb, box);
    const Difference d = difference(letterboxed(image, box, PackedOrder::kRgb), expected.data);
    // OpenCV repeats chroma samples, we interpolate: most visible where nothing is scaled.
    EXPECT_LE(d.mean, size == width ? 1.0 : 0.6) << size;
    EXPECT_LE(d.largest, 12) << size;
  }
}

TEST(LetterboxTest, one_scratch_serves_pictures_of_any_kind_in_turn) {
  LetterboxScratch scratch;
  for (int round = 0; round < 2; ++round) {
    for (const PixelFormat format : kEveryFormat) {
      for (const Shape& shape : {Shape{90, 60, 64, 64}, Shape{20, 31, 48, 40}}) {
        const Image image = noise_image(format, shape.width, shape.height);
        const Letterbox box = fit(shape);
        const auto expected = letterboxed(image, box, PackedOrder::kBgr);
        std::vector<std::uint8_t> out(expected.size());
        letterbox(image, box, PackedOrder::kBgr, 114, out.data(), scratch);
        EXPECT_EQ(out, expected);
      }
    }
  }
}

}  // namespace
}  // namespace osprey::vision
