// SPDX-License-Identifier: Apache-2.0
// Weights as INT8, and what that does to the layer's mean.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/tensor.hpp"

namespace osprey::quantize {

/// Which place along an axis a weight belongs to, weights being numbered as they lie.
struct ChannelOf {
  ChannelOf(const Shape& shape, std::size_t axis) : count(static_cast<std::size_t>(shape[axis])) {
    for (std::size_t d = axis + 1; d < shape.size(); ++d)
      inner *= static_cast<std::size_t>(shape[d]);
  }
  std::size_t operator()(std::size_t i) const { return i / inner % count; }

  std::size_t count;
  std::size_t inner = 1;
};

/// A weight is about (step - zero_point) * scale of its channel.
struct WeightSteps {
  std::vector<std::int8_t> steps;        ///< as the weights lie
  std::vector<float> scales;             ///< one, or one an output channel
  std::vector<std::int8_t> zero_points;  ///< as many; 0 if symmetric

  /// What weight `i`, of output channel `channel`, has become.
  float value(std::size_t i, std::size_t channel) const {
    const std::size_t at = scales.size() > 1 ? channel : 0;
    return static_cast<float>(steps[i] - zero_points[at]) * scales[at];
  }
};

struct WeightOptions {
  /// A scale for each place along the axis of output channels, which its largest weight sets; else
  /// one for all: symmetric, with the least squared error.
  bool per_channel = true;
  /// Steps -127..127, 0 being 0; else -128..127 from the lowest weight to the highest.
  bool symmetric = true;
};

WeightSteps round_weights(std::span<const float> weights, const Shape& shape, std::size_t axis,
                          const WeightOptions& options);

/// What a layer's inputs are like, by channel.
struct InputMeans {
  std::vector<float> values;    ///< before they are rounded
  std::vector<float> rounding;  ///< what rounding them adds; empty: nothing
};

/// What rounding weights and inputs adds to the mean of each output channel: a bias less this takes
/// it away. `axis` is that of the output channels, the other of the first two dimensions that of a
/// group's inputs. Where sums run over the border of a picture it is not exact.
std::vector<float> mean_shift(std::span<const float> weights, const WeightSteps& rounded,
                              const Shape& shape, std::size_t axis, std::int64_t groups,
                              const InputMeans& input);

}  // namespace osprey::quantize
