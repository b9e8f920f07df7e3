// SPDX-License-Identifier: Apache-2.0
// Which tensors of a network become INT8.
#pragma once

#include <osprey/result.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "onnx/model.hpp"
#include "quantize/layers.hpp"

namespace osprey::quantize {

/// The first in which weights have a scale for each channel.
inline constexpr int kLeastOpset = 13;

/// A tensor that is rounded to 256 steps where it is made.
struct Point {
  std::string tensor;
  std::size_t group = 0;  ///< points of a group share one scale
  /// Alone in its group, and read by depthwise layers only: each channel may have its own scale.
  bool by_channel = false;
};

enum class Placement : std::uint8_t {
  /// Rounded are the inputs of all layers with weights, where they are made: behind the activation
  /// and the residual addition, so that a runtime can join these with the convolution before them.
  /// What only moves values (concatenation, split, pooling by maximum, nearest neighbour) lies
  /// between, and what it joins shares one scale. The outputs of the last layers are not rounded:
  /// the head's boxes and scores stay floats. What processors' runtimes are fastest with.
  kLayerInputs,
  /// Whatever is computed from the input is rounded, also what the last layers make, but not what
  /// decodes that: what compilers for NPUs expect, which compute in float16 where a tensor has no
  /// scale.
  kEverywhere,
};

struct Plan {
  std::vector<WeightedLayer> layers;
  std::vector<Point> points;  ///< in the order in which they are made
  std::size_t groups = 0;
  /// (node, input) that read the rounded values; others read the floats.
  std::vector<std::pair<std::size_t, std::size_t>> readers;
  /// Left in float, and why.
  std::vector<std::pair<std::string, std::string>> left_out;
};

/// `in_float`: names of layers that stay in float, with their activations. Errors: a name that no
/// layer has; a model that is quantised already, or of an opset below 13; no layer with weights.
Result<Plan> plan_of(const onnx::Model& model, const std::set<std::string>& in_float,
                     Placement placement = Placement::kLayerInputs);

}  // namespace osprey::quantize
