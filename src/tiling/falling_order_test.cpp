// SPDX-License-Identifier: Apache-2.0
#include "tiling/falling_order.hpp"

#include <gtest/gtest.h>

#include <random>

namespace osprey::tiling {
namespace {

TEST(FallingOrder, is_that_of_a_comparing_sort_whatever_the_size_and_the_values) {
  for (const std::size_t count : {0, 1, 5, 511, 512, 700, 5000}) {
    for (const std::uint32_t grades : {3u, 100u, 1u << 24}) {
      SCOPED_TRACE(std::to_string(count) + " of " + std::to_string(grades));
      std::mt19937 random(grades);
      std::vector<Ranked> order;
      for (std::uint32_t i = 0; i < count; ++i) {
        const float value = static_cast<float>(random() % grades) / static_cast<float>(grades);
        order.push_back({random() % 5 == 0 ? -value : value, i});
      }
      std::shuffle(order.begin(), order.end(), random);
      auto expected = order;
      std::sort(expected.begin(), expected.end(), [](const Ranked& a, const Ranked& b) {
        return a.value != b.value ? a.value > b.value : a.item < b.item;
      });
      sort_falling(order, [](auto a, auto b) { return a < b; });
      for (std::size_t i = 0; i < count; ++i) ASSERT_EQ(order[i].item, expected[i].item);
    }
  }
}

}  // namespace
}  // namespace osprey::tiling
