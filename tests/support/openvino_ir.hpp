// SPDX-License-Identifier: Apache-2.0
// Models as OpenVINO itself writes them.
#pragma once

#include <osprey/result.hpp>

#include <string>

namespace osprey::support {

/// Converts a model, ONNX say, into an OpenVINO IR: `xml`, and a .bin of the same name beside it.
/// The model's metadata stays within. `half`: weights are kept as float16.
Status write_openvino_ir(const std::string& model, const std::string& xml, bool half = false);

}  // namespace osprey::support
