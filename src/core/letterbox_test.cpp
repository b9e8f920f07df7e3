// SPDX-License-Identifier: Apache-2.0
#include "core/letterbox.hpp"

#include <gtest/gtest.h>

namespace osprey {
namespace {

TEST(Letterbox, centers_a_wide_picture_as_ultralytics_rounds_it) {
  const auto box = Letterbox::fit({0, 0, 768, 576}, 640, 640, LetterboxAlign::kCenter);
  EXPECT_EQ(box.width, 640);
  EXPECT_EQ(box.height, 480);
  EXPECT_EQ(box.x, 0);
  EXPECT_EQ(box.y, 80);
}

TEST(Letterbox, puts_an_odd_remainder_to_the_bottom) {
  const auto box = Letterbox::fit({0, 0, 640, 425}, 640, 640, LetterboxAlign::kCenter);
  EXPECT_EQ(box.height, 425);
  EXPECT_EQ(box.y, 107);
}

TEST(Letterbox, pads_right_and_bottom_when_aligned_top_left) {
  const auto box = Letterbox::fit({0, 0, 480, 640}, 416, 416, LetterboxAlign::kTopLeft);
  EXPECT_EQ(box.x, 0);
  EXPECT_EQ(box.y, 0);
  EXPECT_EQ(box.width, 312);
  EXPECT_EQ(box.height, 416);
}

TEST(Letterbox, keeps_one_pixel_of_an_extreme_strip) {
  const auto box = Letterbox::fit({0, 0, 10000, 1}, 640, 640, LetterboxAlign::kCenter);
  EXPECT_EQ(box.height, 1);
}

TEST(Letterbox, maps_boxes_back_and_clips_them) {
  const auto box = Letterbox::fit({0, 0, 1280, 640}, 640, 640, LetterboxAlign::kCenter);
  EXPECT_EQ(box.to_picture({0, 160, 640, 480}), (Box{0, 0, 1280, 640}));
  EXPECT_EQ(box.to_picture({-10, 100, 320, 320}), (Box{0, 0, 640, 320}));
}

TEST(Letterbox, maps_boxes_of_a_part_into_the_picture_and_clips_them_to_the_part) {
  const auto box = Letterbox::fit({300, 200, 1280, 640}, 640, 640, LetterboxAlign::kCenter);
  EXPECT_EQ(box.to_picture({0, 160, 640, 480}), (Box{300, 200, 1580, 840}));
  EXPECT_EQ(box.to_picture({-10, 100, 320, 320}), (Box{300, 200, 940, 520}));
}

}  // namespace
}  // namespace osprey
