// SPDX-License-Identifier: Apache-2.0
// From what a network's tensors held to their scales, and to the means of what layers read.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/float_network.hpp"
#include "engine/quantisation.hpp"
#include "quantize/plan.hpp"
#include "quantize/scale.hpp"
#include "quantize/statistics.hpp"
#include "quantize/weights.hpp"
#include "quantize/write.hpp"

namespace osprey::engine {

using Statistics = std::map<std::string, quantize::TensorStatistics>;

/// Scales of the plan's groups, from what their tensors held together: pixels and outputs over
/// their whole range, others as options.algorithm says. `seen` has all the plan's points.
std::vector<quantize::Scale> scales_of(const quantize::Plan& plan, const FloatNetwork& floats,
                                       const Statistics& seen, const QuantisationOptions& options);

/// By channel, of tensors that were seen and of what follows from them. `rounding`: of what
/// rounding adds.
std::map<std::string, quantize::InputMeans> input_means(const onnx::Model& network,
                                                        const Statistics& values,
                                                        const Statistics& rounding);

/// What becomes of a tensor.
RoundedTensor rounded_tensor(const quantize::Point& point, const quantize::Histogram& seen,
                             const quantize::Scale& scale);

/// In so few bins that a page can draw them.
std::vector<std::uint64_t> in_few_bins(const quantize::Histogram& seen);

/// What becomes of a layer's weights. Errors: they cannot be read.
Result<RoundedLayer> rounded_layer(const onnx::Model& network, const quantize::WeightedLayer& layer,
                                   const quantize::WriteOptions& options);

}  // namespace osprey::engine
