// SPDX-License-Identifier: Apache-2.0
#include "tests/support/openvino_ir.hpp"

#include <openvino/openvino.hpp>

namespace osprey::support {

Status write_openvino_ir(const std::string& model, const std::string& xml, bool half) {
  try {
    ov::Core core;
    ov::save_model(core.read_model(model), xml, half);
  } catch (const std::exception& e) {
    return Error{ErrorCode::kIo, xml + ": " + e.what()};
  }
  return {};
}

}  // namespace osprey::support
