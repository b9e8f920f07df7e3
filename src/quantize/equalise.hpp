// SPDX-License-Identifier: Apache-2.0
// The same function with channels of like size.
#pragma once

#include <osprey/result.hpp>

#include "onnx/model.hpp"

namespace osprey::quantize {

/// Cross-layer equalisation: where nothing but Relu, LeakyRelu or PRelu lies between two
/// convolutions, a channel may be made smaller in the first and larger in the second by the same
/// factor. It is chosen so that its weights are as large in both; then one scale for a layer, or
/// for a tensor, fits all its channels. SiLU and others do not let a factor through. How many pairs
/// were changed. Errors: weights that cannot be read. Outputs are equal but for rounding.
Result<int> equalise(onnx::Model& model);

}  // namespace osprey::quantize
