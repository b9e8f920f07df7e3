// SPDX-License-Identifier: Apache-2.0
// What follows a layer and can be computed together with it, in one step of a runtime.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "onnx/model.hpp"

namespace osprey::onnx {

enum class FusionKind : std::uint8_t {
  kBatchNormalization,
  kSilu,        ///< x * Sigmoid(x); RKNN's ConvExSwish
  kHardSwish,   ///< as one operation, or x * HardSigmoid(x), or spelt out with Clip
  kActivation,  ///< one operation: Relu, LeakyRelu, PRelu, Clip, Sigmoid, ...
  kAdd,         ///< with another tensor: a residual connection
};

struct Fusion {
  FusionKind kind = FusionKind::kActivation;
  std::string layer;               ///< the layer's node; where it has no name, its output
  std::vector<std::string> nodes;  ///< what follows, in the same way
  /// Why it cannot be joined; empty if it can.
  std::string blocked;
};

/// Of convolutions and fully connected layers. QuantizeLinear and DequantizeLinear between a layer
/// and what follows are no obstacle here: compilers for NPUs join over them, OpenVINO does not. Of
/// an addition behind an activation nothing is said: nobody joins it.
std::vector<Fusion> find_fusions(const Model& model);

/// "SiLU" and so on.
std::string name_of(FusionKind kind);

}  // namespace osprey::onnx
