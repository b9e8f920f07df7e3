// SPDX-License-Identifier: Apache-2.0
#include "vision/convert.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include "vision/letterbox_reference.hpp"
#include "vision/test_pictures.hpp"

namespace osprey::vision {
namespace {

TEST(ConvertTest, a_new_image_has_room_for_every_plane) {
  for (const PixelFormat format : kEveryFormat) {
    const NewImage made = make_image(format, 5, 3);
    EXPECT_FALSE(made.image.empty());
    EXPECT_EQ(made.image.format, format);
    EXPECT_EQ(made.image.owner.use_count(), 1);
    for (std::size_t p = 0; p < 3; ++p) EXPECT_EQ(made.image.planes[p].data, made.planes[p]);
  }
  const NewImage i420 = make_image(PixelFormat::kI420, 5, 3);
  EXPECT_EQ(i420.image.planes[0].stride, 5);
  EXPECT_EQ(i420.image.planes[1].stride, 3);
  EXPECT_EQ(i420.planes[1] - i420.planes[0], 15);
  EXPECT_EQ(i420.planes[2] - i420.planes[1], 6);
  const NewImage nv12 = make_image(PixelFormat::kNv12, 5, 3);
  EXPECT_EQ(nv12.image.planes[1].stride, 6);
  EXPECT_EQ(nv12.planes[2], nullptr);
}

TEST(ConvertTest, a_bgr_picture_is_handed_on_without_a_copy) {
  const Image image = noise_image(PixelFormat::kBgr24, 9, 7);
  EXPECT_EQ(to_bgr(image).planes[0].data, image.planes[0].data);
}

TEST(ConvertTest, a_bgr_copy_has_the_same_bytes_in_a_place_of_its_own) {
  const Image image = noise_image(PixelFormat::kBgr24, 37, 11);
  const NewImage copy = copy_as_bgr(image);
  ASSERT_NE(copy.planes[0], image.planes[0].data);
  EXPECT_EQ(std::memcmp(copy.planes[0], image.planes[0].data, 37 * 11 * 3), 0);
}

TEST(ConvertTest, every_format_becomes_bgr_within_one_and_a_half_levels) {
  for (const PixelFormat format : kEveryFormat) {
    for (const auto& [width, height] : {std::pair{64, 48}, {33, 17}, {1, 1}, {2, 9}}) {
      Image image = noise_image(format, width, height);
      image.matrix = ColorMatrix::kBt709;
      const Image bgr = to_bgr(image);
      ASSERT_EQ(bgr.format, PixelFormat::kBgr24);
      const Letterbox box =
          Letterbox::fit({0, 0, width, height}, width, height, LetterboxAlign::kCenter);
      const auto expected = letterbox_reference(image, box, PackedOrder::kBgr, 0);
      for (std::size_t i = 0; i < expected.size(); ++i) {
        ASSERT_NEAR(bgr.planes[0].data[i], expected[i], 1.5)
            << "format " << static_cast<int>(format) << " byte " << i;
      }
    }
  }
}

}  // namespace
}  // namespace osprey::vision
