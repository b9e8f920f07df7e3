// SPDX-License-Identifier: Apache-2.0
// The same function in operations that runtimes can join.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "onnx/model.hpp"

namespace osprey::onnx {

/// Changes the model so that more of find_fusions() holds, and tells each change in words:
/// - BatchNormalization, and Mul or Add with constants, right behind a convolution become part of
///   its weights and bias;
/// - x / (1 + exp(-x)) and 1 / (1 + exp(-x)) are said with Sigmoid;
/// - a SiLU's Sigmoid that others read, too, is given to these as one of their own;
/// - Identity and Dropout go.
/// Outputs are equal but for rounding.
std::vector<std::string> rewrite(Model& model);

/// Takes out pairs of QuantizeLinear and DequantizeLinear, but not DequantizeLinear of constants:
/// how many. What is left computes with floats, and with the weights as they are.
std::size_t remove_rounding(Model& model);

}  // namespace osprey::onnx
