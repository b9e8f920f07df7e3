// SPDX-License-Identifier: Apache-2.0
#include "quantize/weights.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace osprey::quantize {
namespace {

std::vector<float> random_weights(unsigned seed, std::size_t count) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, 1);
  std::vector<float> weights(count);
  for (auto& weight : weights) weight = normal(random);
  return weights;
}

TEST(Weights, are_within_half_a_step_of_their_channel) {
  const Shape shape = {6, 5, 3, 3};
  const auto weights = random_weights(1, 270);
  for (const std::size_t axis : {0u, 1u}) {
    const auto rounded = round_weights(weights, shape, axis, {.per_channel = true});
    ASSERT_EQ(rounded.scales.size(), axis == 0 ? 6u : 5u);
    std::vector<float> most(rounded.scales.size(), 0);
    for (std::size_t i = 0; i < weights.size(); ++i) {
      const auto channel = axis == 0 ? i / 45 : i / 9 % 5;
      most[channel] = std::max(most[channel], std::fabs(weights[i]));
      EXPECT_NEAR(rounded.steps[i] * rounded.scales[channel], weights[i],
                  rounded.scales[channel] * 0.5001f);
    }
    for (std::size_t c = 0; c < most.size(); ++c) {
      EXPECT_FLOAT_EQ(rounded.scales[c], most[c] / 127);
    }
  }
}

TEST(Weights, of_a_layer_have_one_scale_that_does_not_follow_an_outlier) {
  auto weights = random_weights(4, 4000);
  weights[7] = 20;
  const auto rounded = round_weights(weights, {40, 100}, 0, {.per_channel = false});
  ASSERT_EQ(rounded.scales.size(), 1u);
  const auto error = [&](float scale) {
    double sum = 0;
    for (const float w : weights) {
      const float step = std::clamp(std::nearbyint(w / scale), -127.f, 127.f);
      sum += static_cast<double>((step * scale - w) * (step * scale - w));
    }
    return sum;
  };
  for (int i = 1; i <= 100; ++i) {
    EXPECT_LE(error(rounded.scales[0]), 1.05 * error(20.f / 127 * static_cast<float>(i) / 100));
  }
}

TEST(Weights, without_symmetry_go_from_the_lowest_to_the_highest) {
  auto weights = random_weights(2, 270);
  for (auto& weight : weights) weight = std::max(weight, -0.1f);
  const auto rounded = round_weights(weights, {6, 45}, 0, {.symmetric = false});
  for (std::size_t i = 0; i < weights.size(); ++i) {
    // The lowest and the highest may be half a step beyond the last steps: 0 is a whole one.
    EXPECT_NEAR(rounded.value(i, i / 45), weights[i], rounded.scales[i / 45] * 1.0001f);
  }
  const auto symmetric = round_weights(weights, {6, 45}, 0, {});
  for (std::size_t c = 0; c < 6; ++c) EXPECT_LT(rounded.scales[c], 0.6f * symmetric.scales[c]);
}

TEST(Weights, of_zeros_are_zeros) {
  const auto rounded = round_weights(std::vector<float>(8, 0.f), {2, 4}, 0, {.per_channel = true});
  EXPECT_EQ(rounded.steps, std::vector<std::int8_t>(8, 0));
  EXPECT_EQ(rounded.scales, std::vector<float>(2, 1.f));
}

/// By the definition: what constant inputs give with the weights and with their rounding.
TEST(Weights, the_shift_of_the_mean_is_what_constant_inputs_show) {
  constexpr std::int64_t kGroups = 2;
  const auto weights = random_weights(2, 4 * 3 * 3);
  const std::vector<float> means = {1, -2, 0.5f, 3, 0.25f, -1};
  // Conv: 4 outputs, 2 groups of 3 inputs.
  const auto rounded = round_weights(weights, {4, 3, 3, 1}, 0, {.per_channel = true});
  const auto shift = mean_shift(weights, rounded, {4, 3, 3, 1}, 0, kGroups, {means, {}});
  ASSERT_EQ(shift.size(), 4u);
  for (std::size_t out = 0; out < 4; ++out) {
    double expected = 0;
    for (std::size_t in = 0; in < 3; ++in) {
      for (std::size_t k = 0; k < 3; ++k) {
        const auto at = (out * 3 + in) * 3 + k;
        expected += static_cast<double>((rounded.steps[at] * rounded.scales[out] - weights[at]) *
                                        means[out / 2 * 3 + in]);
      }
    }
    EXPECT_NEAR(static_cast<double>(shift[out]), expected, 1e-5);
  }
  // ConvTranspose: 4 inputs in 2 groups, each with 3 outputs.
  const auto turned = round_weights(weights, {4, 3, 3, 1}, 1, {.per_channel = true});
  const auto turned_shift = mean_shift(weights, turned, {4, 3, 3, 1}, 1, kGroups,
                                       {{means.begin(), means.begin() + 4}, {}});
  ASSERT_EQ(turned_shift.size(), 6u);
  for (std::size_t out = 0; out < 6; ++out) {
    double expected = 0;
    for (std::size_t in = out / 3 * 2; in < out / 3 * 2 + 2; ++in) {
      for (std::size_t k = 0; k < 3; ++k) {
        const auto at = (in * 3 + out % 3) * 3 + k;
        expected += static_cast<double>((turned.steps[at] * turned.scales[out % 3] - weights[at]) *
                                        means[in]);
      }
    }
    EXPECT_NEAR(static_cast<double>(turned_shift[out]), expected, 1e-5);
  }
}

}  // namespace
}  // namespace osprey::quantize
