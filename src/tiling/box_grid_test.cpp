// SPDX-License-Identifier: Apache-2.0
#include "tiling/box_grid.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>

#include "tiling/random_boxes.hpp"

namespace osprey::tiling {
namespace {

struct Crowd {
  std::vector<Box> boxes;
  std::vector<std::uint32_t> ranks;
};

Crowd random_crowd(std::mt19937& random, double extent) {
  Crowd crowd;
  crowd.boxes.resize(1 + random() % 60);
  for (auto& box : crowd.boxes) box = random_box(random, extent);
  crowd.ranks.resize(crowd.boxes.size());
  std::iota(crowd.ranks.begin(), crowd.ranks.end(), 0u);
  std::shuffle(crowd.ranks.begin(), crowd.ranks.end(), random);
  return crowd;
}

TEST(BoxGrid, visits_each_better_box_that_meets_the_one_asked_about_once) {
  std::mt19937 random(1);
  for (int round = 0; round < 600; ++round) {
    const double extent = std::pow(10, round % 4);
    const auto crowd = random_crowd(random, extent);
    const auto& boxes = crowd.boxes;
    const auto& ranks = crowd.ranks;
    const BoxGrid grid(boxes, ranks);
    for (int ask = 0; ask < 20; ++ask) {
      const Box asked = random_box(random, extent);
      const auto limit = static_cast<std::uint32_t>(random() % (boxes.size() + 1));
      std::vector<int> visits(boxes.size(), 0);
      grid.visit_better(asked, limit, [&](const BoxGrid::Entry& entry) {
        ++visits[entry.item];
        EXPECT_EQ(entry.box, boxes[entry.item]);
        EXPECT_EQ(entry.rank, ranks[entry.item]);
        return limit;
      });
      for (std::size_t i = 0; i < boxes.size(); ++i) {
        ASSERT_EQ(visits[i], ranks[i] < limit && meet(asked, boxes[i]) ? 1 : 0)
            << "round " << round << " of seed 1, item " << i;
      }
    }
  }
}

TEST(BoxGrid, finds_the_best_where_each_visit_lowers_the_limit_and_stops_at_zero) {
  std::mt19937 random(2);
  for (int round = 0; round < 600; ++round) {
    const auto crowd = random_crowd(random, 1000);
    const auto& boxes = crowd.boxes;
    const auto& ranks = crowd.ranks;
    const BoxGrid grid(boxes, ranks);
    const Box asked = random_box(random, 1000);
    const auto none = static_cast<std::uint32_t>(boxes.size());
    auto expected = none, best = none;
    for (std::size_t i = 0; i < boxes.size(); ++i) {
      if (meet(asked, boxes[i])) expected = std::min(expected, ranks[i]);
    }
    grid.visit_better(asked, none, [&](const BoxGrid::Entry& entry) { return best = entry.rank; });
    ASSERT_EQ(best, expected) << "round " << round << " of seed 2";
    int visits = 0;
    grid.visit_better(asked, none, [&](const BoxGrid::Entry&) {
      ++visits;
      return 0u;
    });
    ASSERT_EQ(visits, expected == none ? 0 : 1);
  }
}

TEST(BoxGrid, holds_points_and_nothing) {
  const auto all = [](int& visits) {
    return [&](const BoxGrid::Entry&) {
      ++visits;
      return 3u;
    };
  };
  int visits = 0;
  BoxGrid({}, {}).visit_better({0, 0, 1, 1}, 3, all(visits));
  EXPECT_EQ(visits, 0);
  const std::vector<Box> points(3, Box{5, 5, 5, 5});
  const std::vector<std::uint32_t> ranks = {0, 1, 2};
  BoxGrid(points, ranks).visit_better({0, 0, 5, 5}, 3, all(visits));
  EXPECT_EQ(visits, 3);
}

TEST(BoxGrid, survives_values_that_are_not_numbers) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  constexpr float kInf = std::numeric_limits<float>::infinity();
  const std::vector<Box> boxes = {{kNan, 0, 1, 1}, {0, -kInf, kInf, 1}, {0, 0, 1, 1}};
  const std::vector<std::uint32_t> ranks = {0, 1, 2};
  BoxGrid(boxes, ranks).visit_better(boxes[1], 3, [](const BoxGrid::Entry&) { return 3u; });
}

}  // namespace
}  // namespace osprey::tiling
