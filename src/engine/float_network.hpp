// SPDX-License-Identifier: Apache-2.0
// A network of floats that is to become INT8.
#pragma once

#include <osprey/result.hpp>

#include <optional>
#include <string>
#include <vector>

#include "model/head.hpp"
#include "onnx/model.hpp"

namespace osprey::engine {

struct FloatNetwork {
  std::string path;
  onnx::Model network;  ///< after onnx::rewrite(), of an opset that knows INT8
  model::ModelSpec spec;
};

/// Errors: not an ONNX file; not a detector; an opset that cannot be converted.
Result<FloatNetwork> read_floats(const std::string& path, const std::vector<int>& imgsz);

/// The network up to its head, written as `path`; nothing where it ends there, or where nobody
/// could read such outputs.
Result<std::optional<FloatNetwork>> without_head(const FloatNetwork& whole,
                                                 const std::vector<int>& imgsz,
                                                 const std::string& path);

}  // namespace osprey::engine
