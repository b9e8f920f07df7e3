// SPDX-License-Identifier: Apache-2.0
#include "tiling/moving_box_grid.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "tiling/random_boxes.hpp"

namespace osprey::tiling {
namespace {

TEST(MovingBoxGrid, visits_each_placed_box_that_meets_the_one_asked_about_once) {
  std::mt19937 random(1);
  for (int round = 0; round < 300; ++round) {
    const double extent = std::pow(10, round % 4);
    std::vector<Box> boxes(1 + random() % 60);
    for (auto& box : boxes) box = random_box(random, extent);
    MovingBoxGrid grid(boxes);
    std::vector<bool> placed(boxes.size(), false);
    // Half of the boxes are placed, and some of these moved, also off the grid.
    for (std::uint32_t i = 0; i < boxes.size(); ++i) {
      placed[i] = random() % 2 == 0;
      if (!placed[i]) continue;
      grid.place(i, boxes[i]);
      while (random() % 3 == 0) {
        boxes[i] = random_box(random, extent);
        grid.place(i, boxes[i]);
      }
    }
    for (int ask = 0; ask < 20; ++ask) {
      const Box asked = random_box(random, extent);
      std::vector<int> visits(boxes.size(), 0);
      grid.visit_near(asked, [&](std::uint32_t item, const Box& box) {
        ++visits[item];
        EXPECT_EQ(box, boxes[item]);
      });
      for (std::size_t i = 0; i < boxes.size(); ++i) {
        ASSERT_EQ(visits[i], placed[i] && meet(asked, boxes[i]) ? 1 : 0)
            << "round " << round << " of seed 1, item " << i;
      }
    }
  }
}

TEST(MovingBoxGrid, holds_points_and_nothing) {
  MovingBoxGrid none({});
  none.visit_near({0, 0, 1, 1}, [](std::uint32_t, const Box&) { FAIL(); });
  const std::vector<Box> points(3, Box{5, 5, 5, 5});
  MovingBoxGrid grid(points);
  for (std::uint32_t i = 0; i < 3; ++i) grid.place(i, points[i]);
  int visits = 0;
  grid.visit_near({0, 0, 5, 5}, [&](std::uint32_t, const Box&) { ++visits; });
  EXPECT_EQ(visits, 3);
}

TEST(MovingBoxGrid, survives_values_that_are_not_numbers) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  constexpr float kInf = std::numeric_limits<float>::infinity();
  const std::vector<Box> boxes = {{kNan, 0, 1, 1}, {0, -kInf, kInf, 1}, {0, 0, 1, 1}};
  MovingBoxGrid grid(boxes);
  for (std::uint32_t i = 0; i < 3; ++i) grid.place(i, boxes[i]);
  grid.visit_near(boxes[1], [](std::uint32_t, const Box&) {});
}

}  // namespace
}  // namespace osprey::tiling
