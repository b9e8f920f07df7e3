// SPDX-License-Identifier: Apache-2.0
#include "quantize/rounding.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

namespace osprey::quantize {
namespace {

class Rounding : public testing::Test {
 protected:
  double normal() { return std::normal_distribution<double>()(random_); }
  std::vector<float> floats(std::size_t count, double spread = 1) {
    std::vector<float> all(count);
    for (auto& one : all) one = static_cast<float>(spread * normal());
    return all;
  }

  /// Of `side` values that go together.
  std::vector<double> square(std::size_t side) {
    std::vector<double> all(side * side, 0);
    for (std::size_t sample = 0; sample < 3 * side; ++sample) {
      const double common = 2 * normal();
      std::vector<double> seen(side);
      for (auto& one : seen) one = common + normal();
      for (std::size_t i = 0; i < all.size(); ++i) all[i] += seen[i / side] * seen[i % side];
    }
    return all;
  }

  /// Values of channels that go together, and neighbours, too.
  std::vector<float> picture(std::int64_t channels, std::int64_t side) {
    std::vector<float> values(static_cast<std::size_t>(channels * side * side));
    const auto area = static_cast<std::size_t>(side * side);
    for (std::size_t i = 0; i < area; ++i) {
      const double common = std::sin(static_cast<double>(i) / 5) + 0.3 * normal();
      for (std::size_t c = 0; c < values.size() / area; ++c) {
        values[c * area + i] = static_cast<float>(1 + common + 0.4 * normal());
      }
    }
    return values;
  }

  std::mt19937 random_{11};
};

/// By the definition.
double weighted(std::span<const double> wanted, std::span<const double> steps,
                const Covariance& inputs, std::size_t channels, std::size_t places) {
  double error = 0, power = 0, alone = 0;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    for (std::size_t j = 0; j < wanted.size(); ++j) {
      const double both = inputs.channels[i / places * channels + j / places] *
                          inputs.places[i % places * places + j % places];
      error += (steps[i] - wanted[i]) * (steps[j] - wanted[j]) * both;
      if (i == j) power += both;
    }
    alone += (steps[i] - wanted[i]) * (steps[i] - wanted[i]);
  }
  return error + 0.02 * alone * power / static_cast<double>(wanted.size());
}

TEST_F(Rounding, is_never_worse_than_the_nearest_and_hardly_worse_than_the_best_of_all) {
  constexpr std::size_t kChannels = 3, kPlaces = 2, kAll = kChannels * kPlaces;
  double nearest = 0, chosen = 0, best = 0;
  for (int round = 0; round < 40; ++round) {
    const Covariance inputs{square(kChannels), square(kPlaces)};
    std::vector<double> wanted(kAll), start(kAll);
    for (std::size_t i = 0; i < kAll; ++i) {
      wanted[i] = 3 * normal();
      start[i] = std::nearbyint(wanted[i]);
    }
    auto steps = start;
    lower_error(wanted, steps, -127, 127, inputs);
    const double before = weighted(wanted, start, inputs, kChannels, kPlaces);
    const double after = weighted(wanted, steps, inputs, kChannels, kPlaces);
    EXPECT_LE(after, before * (1 + 1e-9));
    EXPECT_NEAR(error_of(wanted, steps, inputs), after, 1e-9 * before);
    double least = std::numeric_limits<double>::max();
    for (int way = 0; way < 729; ++way) {  // each weight to the nearest, one up or one down
      auto tried = start;
      for (int i = 0, left = way; i < 6; ++i, left /= 3) {
        tried[static_cast<std::size_t>(i)] += left % 3 - 1;
      }
      least = std::min(least, weighted(wanted, tried, inputs, kChannels, kPlaces));
    }
    nearest += before;
    chosen += after;
    best += least;
  }
  EXPECT_LT(chosen, 0.6 * nearest);
  EXPECT_LT(chosen - best, 0.3 * (nearest - best));
}

TEST_F(Rounding, of_inputs_that_have_nothing_in_common_is_to_the_nearest) {
  const Covariance inputs{{4, 0, 0, 9}, {1}};
  std::vector<double> steps = {5, -3};
  lower_error(std::vector<double>{1.4, 2.6}, steps, -127, 127, inputs);
  EXPECT_EQ(steps, (std::vector<double>{1, 3}));
}

TEST_F(Rounding, stays_within_the_steps_there_are) {
  const Covariance inputs{{1, 0.99, 0.99, 1}, {1}};
  std::vector<double> steps = {126, 127};
  lower_error(std::vector<double>{126.4, 127.4}, steps, -127, 127, inputs);
  EXPECT_EQ(steps, (std::vector<double>{127, 127}));
}

/// What a layer computes, in a naive way: outputs of one picture without a border, a bias of none.
struct Case {
  std::string op;
  Shape weights;
  std::int64_t groups = 1;
  std::size_t axis = 0;
  WeightOptions options{};
};

std::vector<double> outputs_of(const Case& of, const std::vector<double>& weights,
                               const std::vector<float>& input, std::int64_t side) {
  std::vector<double> outputs;
  if (of.op == "Gemm") {  // rows of inputs
    const auto in = of.weights[1 - of.axis], out = of.weights[of.axis];
    for (std::int64_t row = 0; row < static_cast<std::int64_t>(input.size()) / in; ++row) {
      for (std::int64_t o = 0; o < out; ++o) {
        double sum = 0;
        for (std::int64_t i = 0; i < in; ++i) {
          const auto at = of.axis == 0 ? o * in + i : i * out + o;
          sum += weights[static_cast<std::size_t>(at)] *
                 static_cast<double>(input[static_cast<std::size_t>(row * in + i)]);
        }
        outputs.push_back(sum);
      }
    }
    return outputs;
  }
  // A transposed convolution whose steps are as long as its kernel: each place by itself.
  const bool turned = of.op == "ConvTranspose";
  const auto in = turned ? of.weights[0] / of.groups : of.weights[1];
  const auto out = turned ? of.weights[1] : of.weights[0] / of.groups;
  const auto high = of.weights[2], wide = of.weights[3];
  for (std::int64_t g = 0; g < of.groups; ++g) {
    for (std::int64_t o = 0; o < out; ++o) {
      for (std::int64_t at = 0; at < (side - high + 1) * (side - wide + 1); ++at) {
        const auto y = at / (side - wide + 1), x = at % (side - wide + 1);
        std::vector<double> sums(turned ? static_cast<std::size_t>(high * wide) : 1, 0);
        for (std::int64_t i = 0; i < in; ++i) {
          for (std::int64_t k = 0; k < high * wide; ++k) {
            const auto weight = turned ? ((g * in + i) * out + o) * high * wide + k
                                       : ((g * out + o) * in + i) * high * wide + k;
            const auto from = ((g * in + i) * side + y + (turned ? 0 : k / wide)) * side + x +
                              (turned ? 0 : k % wide);
            sums[turned ? static_cast<std::size_t>(k) : 0] +=
                weights[static_cast<std::size_t>(weight)] *
                static_cast<double>(input[static_cast<std::size_t>(from)]);
          }
        }
        outputs.insert(outputs.end(), sums.begin(), sums.end());
      }
    }
  }
  return outputs;
}

class RoundedLayers : public Rounding, public testing::WithParamInterface<Case> {};

TEST_P(RoundedLayers, give_outputs_nearer_to_the_floats_than_the_nearest_weights_do) {
  const Case& of = GetParam();
  constexpr std::int64_t kSide = 14;
  WeightedLayer layer;
  layer.op = of.op;
  layer.shape = of.weights;
  layer.groups = of.groups;
  layer.channel_axis = of.axis;
  onnx::Node node{of.op, {}, {}, {}, {}};
  ASSERT_TRUE(InputSpread::fits(node, layer));
  const auto in = of.weights[1 - of.axis] * (of.axis == 0 ? of.groups : 1);
  auto input = picture(in, kSide);
  Shape shape = {1, in, kSide, kSide};
  if (of.op == "Gemm") {
    shape = {kSide * kSide, in};
    const auto planes = input;
    for (std::size_t i = 0; i < input.size(); ++i) {
      const auto channels = static_cast<std::size_t>(in);
      input[i] = planes[i % channels * kSide * kSide + i / channels];
    }
  }
  InputSpread seen(node, layer), half(node, layer);
  seen.add({input.data(), shape});
  half.add({input.data(), shape});
  seen.merge(half);

  std::size_t count = 1;
  for (const auto dim : of.weights) count *= static_cast<std::size_t>(dim);
  const auto weights = floats(count);
  const auto nearest = round_weights(weights, of.weights, of.axis, of.options);
  auto chosen = nearest;
  round_by_error(weights, layer, seen, false, of.options, chosen);
  EXPECT_EQ(chosen.scales, nearest.scales);
  EXPECT_EQ(chosen.zero_points, nearest.zero_points);

  const ChannelOf channel(of.weights, of.axis);
  const auto error = [&](const WeightSteps& steps) {
    std::vector<double> off(count);
    for (std::size_t i = 0; i < count; ++i) {
      off[i] = static_cast<double>(steps.value(i, channel(i)) - weights[i]);
    }
    double sum = 0;
    for (const double one : outputs_of(of, off, input, kSide)) sum += one * one;
    return sum;
  };
  EXPECT_LT(error(chosen), 0.7 * error(nearest));
}

INSTANTIATE_TEST_SUITE_P(Kinds, RoundedLayers,
                         testing::Values(Case{"Conv", {6, 8, 1, 1}}, Case{"Conv", {6, 4, 3, 3}},
                                         Case{"Conv", {6, 4, 1, 3}, 2},
                                         Case{"Conv", {8, 1, 3, 3}, 8},
                                         Case{"Conv", {6, 8, 1, 1}, 1, 0, {.per_channel = false}},
                                         Case{"Conv", {6, 8, 1, 1}, 1, 0, {.symmetric = false}},
                                         Case{"ConvTranspose", {8, 5, 2, 2}, 1, 1},
                                         Case{"ConvTranspose", {8, 3, 2, 2}, 2, 1},
                                         Case{"Gemm", {8, 40}, 1, 1}, Case{"Gemm", {40, 8}, 1, 0}),
                         [](const auto& made) {
                           std::string name = made.param.op + "_of";
                           for (const auto dim : made.param.weights)
                             name += "_" + std::to_string(dim);
                           if (!made.param.options.per_channel) name += "_one_scale";
                           if (!made.param.options.symmetric) name += "_asymmetric";
                           return name;
                         });

TEST_F(Rounding, about_means_leaves_the_mean_to_the_bias) {
  WeightedLayer layer;
  layer.op = "Conv";
  layer.shape = {1, 2, 1, 1};
  const onnx::Node node{"Conv", {}, {}, {}, {}};
  InputSpread seen(node, layer);
  // A constant and a channel of many values.
  const std::vector<float> input = {10, 10, 10, 10, -1, 1, -2, 2};
  seen.add({input.data(), {1, 2, 2, 2}});
  EXPECT_EQ(seen.of_group(0, false).channels, (std::vector<double>{400, 0, 0, 10}));
  EXPECT_EQ(seen.of_group(0, true).channels, (std::vector<double>{0, 0, 0, 10}));
}

TEST_F(Rounding, leaves_weights_that_are_steps_and_layers_that_saw_nothing) {
  WeightedLayer layer;
  layer.op = "Conv";
  layer.shape = {2, 3, 1, 1};
  const onnx::Node node{"Conv", {}, {}, {}, {}};
  const std::vector<float> whole = {127, -3, 5, 127, 1, 2};
  const auto nearest = round_weights(whole, layer.shape, 0, {});
  auto chosen = nearest;
  InputSpread seen(node, layer);
  const auto between = floats(6);
  round_by_error(between, layer, seen, true, {}, chosen);
  EXPECT_EQ(chosen.steps, nearest.steps);
  const auto input = picture(3, 8);
  seen.add({input.data(), {1, 3, 8, 8}});
  round_by_error(whole, layer, seen, true, {}, chosen);
  EXPECT_EQ(chosen.steps, nearest.steps);
}

}  // namespace
}  // namespace osprey::quantize
