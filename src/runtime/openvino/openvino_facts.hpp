// SPDX-License-Identifier: Apache-2.0
// Which OpenVINO this is and what it can run on.
#pragma once

#include <osprey/result.hpp>

#include <string>
#include <vector>

namespace osprey::runtime {

struct OpenVinoDevice {
  std::string name;                    ///< "CPU"
  std::string full_name;               ///< "AMD EPYC 9B14 96-Core Processor"
  std::vector<std::string> abilities;  ///< "FP32", "INT8", "BIN", ...
};

struct OpenVinoFacts {
  std::string version;
  std::vector<OpenVinoDevice> devices;
};

/// Errors: OpenVINO or its devices cannot be loaded. Cost: loads every device's plugin.
Result<OpenVinoFacts> openvino_facts();

}  // namespace osprey::runtime
