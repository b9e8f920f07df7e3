// SPDX-License-Identifier: Apache-2.0
// Weights as INT8, and what that does to the layer's mean.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/tensor.hpp"

namespace osprey::quantize {

/// A weight is about step * scale of its channel; steps are -127..127.
struct WeightSteps {
  std::vector<std::int8_t> steps;  ///< as the weights lie
  std::vector<float> scales;       ///< one, or one an output channel
};

/// Symmetric about 0. `per_channel`: a scale for each place along `axis`, its largest weight being
/// the last step; else one for all, with the least squared error.
WeightSteps round_weights(std::span<const float> weights, const Shape& shape, std::size_t axis,
                          bool per_channel);

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
