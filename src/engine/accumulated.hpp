// SPDX-License-Identifier: Apache-2.0
// How far a network of INT8 has gone from its floats, tensor by tensor.
#pragma once

#include <osprey/result.hpp>

#include <string>
#include <vector>

#include "engine/agreement.hpp"
#include "onnx/model.hpp"

namespace osprey::engine {

/// Of every tensor that `int8`, an ONNX file with QuantizeLinear, rounds within: its values against
/// those in `floats`, by the names that these have there. Both run as a whole, so that errors add
/// up from layer to layer. Errors: those of reading, writing a temporary file, and running. Cost:
/// compiles both. Memory: all these tensors, twice a picture.
Result<std::vector<Agreement>> accumulated_errors(const onnx::Model& floats,
                                                  const std::string& int8,
                                                  const model::ModelSpec& spec,
                                                  const Pictures& pictures);

}  // namespace osprey::engine
