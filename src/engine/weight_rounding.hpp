// SPDX-License-Identifier: Apache-2.0
// Weights rounded for what pictures make of them.
#pragma once

#include <osprey/result.hpp>

#include <map>
#include <string>
#include <vector>

#include "engine/calibration.hpp"
#include "engine/quantisation.hpp"
#include "quantize/write.hpp"

namespace osprey::engine {

/// Steps of the weights of `layers`, by names of weights, with the least error of the layers'
/// outputs that quantize::round_by_error() finds; of weights that are whole steps already there are
/// none. `network` has an input of fixed size; `means`: with which biases will be corrected.
/// `calibrating` tells the pictures. Errors: those of Calibrator; weights that cannot be read.
/// Cost: a compilation, an inference a picture, and some seconds. Nothing if all weights are steps.
Result<std::map<std::string, quantize::WeightSteps>> rounded_by_error(
    const onnx::Model& network, const model::InputSpec& input,
    const std::vector<quantize::WeightedLayer>& layers,
    const std::map<std::string, quantize::InputMeans>& means, const QuantisationOptions& options,
    CalibrationOptions calibrating);

}  // namespace osprey::engine
