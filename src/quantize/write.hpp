// SPDX-License-Identifier: Apache-2.0
// A network with its weights and tensors in INT8, as ONNX has it: QuantizeLinear, DequantizeLinear.
#pragma once

#include <osprey/result.hpp>

#include <map>
#include <span>
#include <string>
#include <vector>

#include "onnx/model.hpp"
#include "quantize/plan.hpp"
#include "quantize/scale.hpp"
#include "quantize/weights.hpp"

namespace osprey::quantize {

struct WriteOptions {
  WeightOptions weights{};
  /// By names of weights, if not null: steps that are chosen already. Others are the nearest.
  const std::map<std::string, WeightSteps>* rounded = nullptr;
  /// Tensors in steps -128..127 in place of 0..255. OpenVINO computes them wrongly on x86
  /// processors without VNNI.
  bool signed_tensors = false;
};

/// What a layer's weights become.
WeightSteps steps_of(std::span<const float> weights, const WeightedLayer& layer,
                     const WriteOptions& options);

/// The means that a layer's bias is corrected with, of those of tensors; null if it is not.
const InputMeans* correcting_means(const std::map<std::string, InputMeans>& means,
                                   const WeightedLayer& layer);

/// Rounds the weights of plan.layers and puts a pair of QuantizeLinear and DequantizeLinear behind
/// each point, with the scale of its group; an output that is a point keeps its name. `means`: of
/// tensors; a layer whose input has some gets a bias that takes away what rounding adds to the
/// mean. `model` is that of the plan. Errors: weights that cannot be read.
Status write_int8(onnx::Model& model, const Plan& plan, const std::vector<Scale>& scales,
                  const std::map<std::string, InputMeans>& means, const WriteOptions& options);

}  // namespace osprey::quantize
