// SPDX-License-Identifier: Apache-2.0
// What OpenVINO makes of a network on this processor.
#pragma once

#include <osprey/result.hpp>

#include <string>
#include <vector>

namespace osprey::runtime {

/// One step, which may compute several of the model's nodes at once.
struct ExecutedStep {
  std::string type;                ///< OpenVINO's: "Convolution", "Eltwise", ...
  std::vector<std::string> nodes;  ///< of the file; some of OpenVINO's own making among them
  std::string precision;           ///< "f32", "u8", ...
};

/// In the order in which they run, without constants. Errors: a file OpenVINO does not read. Cost:
/// compiles the model, and keeps nothing.
Result<std::vector<ExecutedStep>> executed_steps(const std::string& path);

}  // namespace osprey::runtime
