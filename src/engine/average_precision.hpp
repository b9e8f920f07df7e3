// SPDX-License-Identifier: Apache-2.0
// How good a model is, as one number.
#pragma once

#include <osprey/result.hpp>

#include <functional>
#include <string>
#include <vector>

namespace osprey::engine {

struct LabelledData {
  std::string labels;           ///< as EvaluationOptions::data
  std::string images;           ///< folder
  std::vector<int> imgsz;       ///< of a model of open size
  std::function<bool()> go_on;  ///< asked now and then; false stops
};

/// COCO's AP, as `osprey eval` has it. Errors: those of running and evaluating; no picture is
/// there; kCancelled.
Result<double> average_precision(const std::string& model, const LabelledData& data);

}  // namespace osprey::engine
