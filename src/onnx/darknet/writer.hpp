// SPDX-License-Identifier: Apache-2.0
// Darknet layers as ONNX nodes.
#pragma once

#include <osprey/result.hpp>

#include <string>
#include <vector>

#include "onnx/darknet/network.hpp"
#include "onnx/darknet/weights.hpp"
#include "onnx/model.hpp"

namespace osprey::onnx::darknet {

/// An output of the model: the raw map that a [yolo] section reads.
struct Head {
  std::string output;
  MapSize size;
  Yolo yolo;
};

/// Adds input, layers and outputs to an empty `model`. Returns the heads as the outputs are
/// ordered: finest stride first. Errors: weights that are not finite; two heads on one map.
Result<std::vector<Head>> write_network(const Network& network, int batch, WeightsReader& weights,
                                        Model& model);

}  // namespace osprey::onnx::darknet
