// SPDX-License-Identifier: Apache-2.0
#include "sim/rk3588/native.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace osprey::sim {
namespace {

TEST(Native, int8_maps_lie_in_blocks_of_sixteen_channels) {
  const Tensor tensor{"scores", {1, 20, 2, 3}, false, Type::kInt8, 0.5f, 3};
  ASSERT_TRUE(in_blocks(tensor));
  ASSERT_EQ(value_count(tensor), 120u);
  ASSERT_EQ(native_bytes(tensor), 2u * 6 * 16);
  std::vector<float> values(120);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i) / 4 - 15;
  std::vector<std::uint8_t> native(native_bytes(tensor), 77);
  to_native(values.data(), tensor, native.data());
  // Channel 17, row 1, column 2: the second block's sixth pixel, second place.
  const float value = values[17 * 6 + 5];
  EXPECT_EQ(static_cast<std::int8_t>(native[6 * 16 + 5 * 16 + 1]),
            std::nearbyint(value / 0.5f) + 3);
  EXPECT_EQ(native[6 * 16 + 4], 77);  // channel 20 is none

  std::vector<float> back(120);
  to_floats(native.data(), tensor, back.data());
  std::vector<std::int8_t> steps(120);
  to_steps(native.data(), tensor, steps.data());
  for (std::size_t i = 0; i < values.size(); ++i) {
    EXPECT_NEAR(back[i], values[i], 0.25f);
    EXPECT_EQ(back[i], static_cast<float>(steps[i] - 3) * 0.5f);
  }
}

TEST(Native, all_else_lies_in_rows) {
  const Tensor rows{"output0", {4, 2, 3}, false, Type::kInt8, 1, 0};
  EXPECT_FALSE(in_blocks(rows));
  EXPECT_EQ(native_bytes(rows), 6u);
  const Tensor floats{"output0", {1, 20, 2, 3}};
  EXPECT_FALSE(in_blocks(floats));
  EXPECT_EQ(native_bytes(floats), 480u);
}

}  // namespace
}  // namespace osprey::sim
