// SPDX-License-Identifier: Apache-2.0
#include "quantize/weights.hpp"

#include <algorithm>
#include <cmath>

namespace osprey::quantize {

namespace {

constexpr float kMostSteps = 127;

/// A scale for all, with the least squared error: one that fits the largest weights may leave the
/// other channels few steps.
float scale_for_all(std::span<const float> weights, float most) {
  constexpr int kTries = 32;
  float best = most / kMostSteps;
  double least = -1;
  for (int i = kTries; i > kTries / 4; --i) {
    const float scale = most * static_cast<float>(i) / kTries / kMostSteps;
    double sum = 0;
    for (const float weight : weights) {
      const float step = std::clamp(std::nearbyint(weight / scale), -kMostSteps, kMostSteps);
      sum += static_cast<double>((step * scale - weight) * (step * scale - weight));
    }
    if (least >= 0 && sum >= least) continue;
    least = sum;
    best = scale;
  }
  return best;
}

}  // namespace

WeightSteps round_weights(std::span<const float> weights, const Shape& shape, std::size_t axis,
                          const WeightOptions& options) {
  const ChannelOf channel(shape, axis);
  const auto place = [&](std::size_t i) { return options.per_channel ? channel(i) : 0; };
  const std::size_t count = options.per_channel ? channel.count : 1;
  std::vector<float> lows(count, 0.f), highs(count, 0.f);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    lows[place(i)] = std::min(lows[place(i)], weights[i]);
    highs[place(i)] = std::max(highs[place(i)], weights[i]);
  }
  WeightSteps rounded;
  for (std::size_t c = 0; c < count; ++c) {
    const float most = std::max(-lows[c], highs[c]);
    float scale = most / kMostSteps, zero = 0;
    if (!options.symmetric) {
      scale = (highs[c] - lows[c]) / (2 * kMostSteps + 1);
      zero = scale > 0 ? -128 - std::nearbyint(lows[c] / scale) : 0;
    } else if (!options.per_channel) {
      scale = scale_for_all(weights, most);
    }
    rounded.scales.push_back(scale > 0 ? scale : 1);
    rounded.zero_points.push_back(static_cast<std::int8_t>(zero));
  }
  const float lowest = options.symmetric ? -kMostSteps : -128;
  rounded.steps.reserve(weights.size());
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const auto zero = static_cast<float>(rounded.zero_points[place(i)]);
    const float step = std::nearbyint(weights[i] / rounded.scales[place(i)]) + zero;
    rounded.steps.push_back(static_cast<std::int8_t>(std::clamp(step, lowest, kMostSteps)));
  }
  return rounded;
}

std::vector<float> mean_shift(std::span<const float> weights, const WeightSteps& rounded,
                              const Shape& shape, std::size_t axis, std::int64_t groups,
                              const InputMeans& means) {
  const ChannelOf output(shape, axis), input(shape, 1 - axis);
  const auto group_count = static_cast<std::size_t>(groups);
  // Conv has all outputs and a group's inputs, ConvTranspose all inputs and a group's outputs.
  const bool all_outputs = axis == 0;
  const std::size_t outputs = all_outputs ? output.count : output.count * group_count;
  std::vector<double> shift(outputs, 0);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    std::size_t out = output(i), in = input(i);
    if (all_outputs) {
      in += out / (output.count / group_count) * input.count;
    } else {
      out += in / (input.count / group_count) * output.count;
    }
    const auto weight = static_cast<double>(rounded.value(i, output(i)));
    const double error = weight - static_cast<double>(weights[i]);
    shift[out] += error * static_cast<double>(means.values[in]);
    if (!means.rounding.empty()) shift[out] += weight * static_cast<double>(means.rounding[in]);
  }
  return {shift.begin(), shift.end()};
}

}  // namespace osprey::quantize
