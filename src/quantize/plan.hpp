// SPDX-License-Identifier: Apache-2.0
// Which tensors of a network become INT8.
#pragma once

#include <osprey/result.hpp>

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "onnx/model.hpp"

namespace osprey::quantize {

/// The first in which weights have a scale for each channel.
inline constexpr int kLeastOpset = 13;

/// A convolution or fully connected layer whose weights are constant.
struct WeightedLayer {
  std::size_t node = 0;  ///< by its place in Model::nodes()
  std::string name;      ///< the node's; where it has none, its output's
  std::string op;
  std::string input, weights, bias;  ///< tensors; bias may be ""
  Shape shape;                       ///< of the weights
  std::size_t channel_axis = 0;      ///< of the weights, along which output channels lie
  std::int64_t groups = 1;
};

/// A tensor that is rounded to 256 steps where it is made.
struct Point {
  std::string tensor;
  std::size_t group = 0;  ///< points of a group share one scale
};

/// Rounded are the inputs of all layers with weights, where they are made: behind the activation
/// and the residual addition, so that a runtime can join these with the convolution before them.
/// What only moves values (concatenation, split, pooling by maximum, nearest neighbour) lies
/// between, and what it joins shares one scale. The outputs of the last layers are not rounded: the
/// head's boxes and scores stay floats.
struct Plan {
  std::vector<WeightedLayer> layers;
  std::vector<Point> points;  ///< in the order in which they are made
  std::size_t groups = 0;
  /// (node, input) that read the rounded values; others read the floats.
  std::vector<std::pair<std::size_t, std::size_t>> readers;
  /// Left in float, and why.
  std::vector<std::pair<std::string, std::string>> left_out;
};

/// `in_float`: names of layers that stay in float. Errors: a name that no layer has; a
/// model that is quantised already, or of an opset below 13; no layer with weights.
Result<Plan> plan_of(const onnx::Model& model, const std::set<std::string>& in_float);

}  // namespace osprey::quantize
