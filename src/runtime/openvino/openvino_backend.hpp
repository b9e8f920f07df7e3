// SPDX-License-Identifier: Apache-2.0
// OpenVINO behind the Backend interface: ONNX, OpenVINO IR and TFLite files on CPUs.
#pragma once

#include <memory>

#include "runtime/backend.hpp"

namespace osprey::runtime {

Result<std::unique_ptr<Backend>> create_openvino_backend();

}  // namespace osprey::runtime
