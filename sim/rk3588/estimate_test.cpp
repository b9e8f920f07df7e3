// SPDX-License-Identifier: Apache-2.0
#include "sim/rk3588/estimate.hpp"

#include <gtest/gtest.h>

namespace osprey::sim {
namespace {

using model::Layer;

constexpr double kOwn = 0.0143;  // ms that each layer takes by itself

Layer convolution(double places, double kernel, double in, double out) {
  return {Layer::Kind::kConvolution, places * kernel, in,          out,
          kernel * in * out,         places * in,     places * out};
}

double estimate(std::vector<Layer> layers, bool fused = true) {
  return estimate_core_ms(layers, fused);
}

TEST(Estimate, a_layer_that_multiplies_much_runs_at_the_core_s_peak) {
  // 40x40 places, 3x3, 256 to 256 channels: 943.7e6 multiply-adds, 1024 of them a nanosecond.
  EXPECT_NEAR(estimate({convolution(1600, 9, 256, 256)}), 0.9216 + kOwn, 1e-9);
}

TEST(Estimate, channels_are_multiplied_in_whole_blocks) {
  EXPECT_EQ(estimate({convolution(1600, 9, 225, 256)}), estimate({convolution(1600, 9, 256, 225)}));
  EXPECT_NEAR(estimate({convolution(1600, 9, 225, 256)}), 0.9216 + kOwn, 1e-9);
  // Of a picture, three channels are eight.
  EXPECT_NEAR(estimate({convolution(102400, 49, 3, 32)}), 102400 * 49. * 8 * 32 / 1024e6 + kOwn,
              1e-9);
}

TEST(Estimate, a_layer_that_moves_much_waits_for_memory) {
  const Layer joining = {Layer::Kind::kOther, 0, 0, 0, 0, 1e6, 1.5e6};
  EXPECT_NEAR(estimate({joining}), 0.5 + kOwn, 1e-9);  // at 5 GB/s
  EXPECT_NEAR(estimate({convolution(6400, 1, 32, 32)}), (2 * 32 * 6400. + 1024) / 5e6 + kOwn, 1e-9);
}

TEST(Estimate, silu_costs_nothing_where_it_is_fused_and_two_layers_where_it_is_not) {
  const std::vector<Layer> layers = {convolution(1600, 9, 256, 256),
                                     {Layer::Kind::kSilu, 0, 0, 0, 0, 409600, 409600}};
  EXPECT_EQ(estimate(layers), estimate({layers[0]}));
  EXPECT_NEAR(estimate(layers, false) - estimate(layers), 5 * 409600 / 5e6 + 2 * kOwn, 1e-9);
}

TEST(Estimate, depthwise_convolutions_leave_most_of_the_core_idle) {
  const Layer depthwise = {Layer::Kind::kDepthwise, 1600 * 9 * 256, 1, 1, 9 * 256, 409600, 409600};
  EXPECT_NEAR(estimate({depthwise}), 1600 * 9 * 256 * 144 / 1024e6 + kOwn, 1e-9);
}

}  // namespace
}  // namespace osprey::sim
