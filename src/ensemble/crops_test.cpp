// SPDX-License-Identifier: Apache-2.0
#include "ensemble/crops.hpp"

#include <gtest/gtest.h>

#include <random>

namespace osprey::ensemble {
namespace {

TEST(Crops, are_the_boxes_with_a_margin_rounded_outward_inside_of_the_frame) {
  const std::vector<Detection> found = {{{100.5f, 50.25f, 140.5f, 90.25f}, 0.9f, 0},
                                        {{0, 0, 100, 60}, 0.8f, 0}};
  const auto crops = crops_of(found, 640, 480, {.margin = 0.1f});
  ASSERT_EQ(crops.size(), 2u);
  EXPECT_EQ(crops[0].part, (Region{96, 46, 49, 49}));
  EXPECT_EQ(crops[0].parent, 0);
  EXPECT_EQ(crops[1].part, (Region{0, 0, 110, 66}));
  EXPECT_EQ(crops[1].parent, 1);
}

TEST(Crops, are_of_wanted_labels_large_enough_and_not_too_many) {
  const std::vector<Detection> found = {{{0, 0, 100, 100}, 0.9f, 2},
                                        {{0, 0, 100, 15}, 0.8f, 1},
                                        {{0, 0, 100, 100}, 0.7f, 1},
                                        {{50, 0, 150, 100}, 0.6f, 3},
                                        {{60, 0, 160, 100}, 0.5f, 1}};
  const auto crops = crops_of(found, 640, 480, {.labels = {1, 3}, .max_crops = 2});
  ASSERT_EQ(crops.size(), 2u);
  EXPECT_EQ(crops[0].parent, 2);
  EXPECT_EQ(crops[1].parent, 3);
}

TEST(Crops, are_never_outside_nor_empty) {
  std::mt19937 random(1);
  for (int i = 0; i < 2000; ++i) {
    const auto at = [&] { return static_cast<float>(random() % 4000) / 4 - 300; };
    const float x = at(), y = at();
    const std::vector<Detection> found = {{{x, y, x + std::abs(at()), y + std::abs(at())}, 0.5f}};
    const auto margin = static_cast<float>(random() % 5);
    for (const auto& crop : crops_of(found, 320, 200, {.margin = margin, .min_size = 1})) {
      const auto& [px, py, width, height] = crop.part;
      EXPECT_GE(px, 0);
      EXPECT_GE(py, 0);
      EXPECT_GT(width, 0);
      EXPECT_GT(height, 0);
      EXPECT_LE(px + width, 320);
      EXPECT_LE(py + height, 200);
    }
  }
}

}  // namespace
}  // namespace osprey::ensemble
