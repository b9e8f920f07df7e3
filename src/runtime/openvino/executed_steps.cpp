// SPDX-License-Identifier: Apache-2.0
#include "runtime/openvino/executed_steps.hpp"

#include <exception>
#include <openvino/openvino.hpp>
#include <sstream>

namespace osprey::runtime {

namespace {

std::string fact(const ov::Node& node, const char* name) {
  const auto& facts = node.get_rt_info();
  const auto found = facts.find(name);
  return found == facts.end() ? "" : found->second.as<std::string>();
}

}  // namespace

Result<std::vector<ExecutedStep>> executed_steps(const std::string& path) {
  try {
    ov::Core core;
    const auto graph = core.compile_model(path, "CPU").get_runtime_model();
    std::vector<ExecutedStep> steps;
    for (const auto& node : graph->get_ordered_ops()) {
      ExecutedStep step{fact(*node, "layerType"), {}, fact(*node, "runtimePrecision")};
      if (step.type == "Const") continue;
      std::istringstream names(fact(*node, "originalLayersNames"));
      for (std::string name; std::getline(names, name, ',');) step.nodes.push_back(name);
      steps.push_back(std::move(step));
    }
    return steps;
  } catch (const std::exception& e) {
    return Error{ErrorCode::kUnsupported, path + ": OpenVINO: " + e.what()};
  }
}

}  // namespace osprey::runtime
