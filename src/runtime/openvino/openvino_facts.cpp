// SPDX-License-Identifier: Apache-2.0
#include "runtime/openvino/openvino_facts.hpp"

#include <exception>
#include <openvino/openvino.hpp>

namespace osprey::runtime {

Result<OpenVinoFacts> openvino_facts() {
  try {
    OpenVinoFacts facts;
    facts.version = ov::get_openvino_version().buildNumber;
    ov::Core core;
    for (const auto& name : core.get_available_devices()) {
      facts.devices.push_back({name, core.get_property(name, ov::device::full_name),
                               core.get_property(name, ov::device::capabilities)});
    }
    return facts;
  } catch (const std::exception& e) {
    return Error{ErrorCode::kInternal, std::string("OpenVINO: ") + e.what()};
  }
}

}  // namespace osprey::runtime
