// SPDX-License-Identifier: Apache-2.0
// The layers of a network that have weights, and where its head begins.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "onnx/wiring.hpp"

namespace osprey::quantize {

/// A convolution or fully connected layer whose weights are constant.
struct WeightedLayer {
  std::size_t node = 0;  ///< by its place in Model::nodes()
  std::string name;      ///< the node's; where it has none, its output's
  std::string op;
  std::string input, weights, bias, output;  ///< tensors; bias may be ""
  Shape shape;                               ///< of the weights
  std::size_t channel_axis = 0;              ///< of the weights, along which output channels lie
  std::int64_t groups = 1;
};

/// Nothing if the node is none.
std::optional<WeightedLayer> layer_of(const onnx::Wiring& wiring, std::size_t node);

/// Why a layer is better left in float; empty if it is not.
std::string unfit_for_int8(const onnx::Wiring& wiring, const WeightedLayer& layer);

/// Whether it sees each of several channels by itself.
bool is_depthwise(const WeightedLayer& layer);

/// Operations whose outputs hold values of their first input (Concat: of all) and no others.
bool only_moves(const onnx::Node& node);

struct Head {
  std::vector<std::string> tensors;  ///< what the last layers make, in the nodes' order
  std::set<std::size_t> decoding;    ///< nodes behind, which only decode boxes and scores
};

/// No tensors if an output does not come from a layer.
Head head_of(const onnx::Model& model);

}  // namespace osprey::quantize
