// SPDX-License-Identifier: Apache-2.0
// What will hurt in INT8, seen from the network alone.
#pragma once

#include <osprey/result.hpp>

#include <string>
#include <vector>

#include "onnx/model.hpp"
#include "quantize/plan.hpp"

namespace osprey::quantize {

struct Finding {
  std::string where;  ///< a layer's or tensor's name
  std::string what;   ///< why it hurts, and what helps
  double weight = 0;  ///< how much, among findings of one kind
};

struct LintOptions {
  bool per_channel = true;  ///< weights have a scale for each channel
  Placement placement = Placement::kLayerInputs;
};

/// Findings, the worst first within a kind. Errors: weights that cannot be read. Cost: a pass over
/// the weights.
Result<std::vector<Finding>> lint(const onnx::Model& model, const Plan& plan,
                                  const LintOptions& options);

}  // namespace osprey::quantize
