// SPDX-License-Identifier: Apache-2.0
// A network, and the same in operations that runtimes join.
#pragma once

#include <osprey/result.hpp>

#include <string>
#include <vector>

#include "engine/agreement.hpp"

namespace osprey::engine {

struct Optimisation {
  std::vector<std::string> changes;  ///< in words; none: nothing was written
  std::vector<Agreement> agreement;  ///< of both on made-up pictures
};

/// Writes `output`, whole or not at all: the ONNX file `model` after onnx::rewrite(), whose outputs
/// are seen to be the same. Errors: those of reading and writing; outputs that differ.
Result<Optimisation> optimise(const std::string& model, const std::vector<int>& imgsz,
                              const std::string& output);

/// A fusion that a runtime may make, and whether OpenVINO makes it on this processor.
struct FusionHere {
  std::string kind, layer;
  std::vector<std::string> nodes;  ///< what follows the layer
  std::string blocked;             ///< see onnx::Fusion
  bool joined = false;             ///< by OpenVINO, here
};

/// Of an ONNX file. Errors: those of reading and compiling it. Cost: compiles it.
Result<std::vector<FusionHere>> fusions(const std::string& model);

}  // namespace osprey::engine
