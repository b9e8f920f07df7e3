// SPDX-License-Identifier: Apache-2.0
#include "onnx/wiring.hpp"

#include <algorithm>

namespace osprey::onnx {

std::string label(const Node& node) {
  return node.name.empty() ? node.outputs.front() : node.name;
}

Wiring::Wiring(const Model& model) : nodes_(model.nodes()), inputs_(model.inputs()) {
  for (auto& constant : model.constants()) constants_[constant.name] = constant;
  for (const auto& output : model.outputs()) outputs_.insert(output.name);
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    for (const auto& output : nodes_[i].outputs) makers_[output] = i;
    for (std::size_t j = 0; j < nodes_[i].inputs.size(); ++j) {
      readers_[nodes_[i].inputs[j]].emplace_back(i, j);
    }
  }
}

std::optional<std::size_t> Wiring::maker(const std::string& tensor) const {
  const auto found = makers_.find(tensor);
  if (found == makers_.end() || constants_.contains(tensor)) return std::nullopt;
  return found->second;
}

const std::vector<Wiring::Reader>& Wiring::readers(const std::string& tensor) const {
  static const std::vector<Reader> kNone;
  const auto found = readers_.find(tensor);
  return found == readers_.end() ? kNone : found->second;
}

const TensorInfo* Wiring::constant(const std::string& tensor) const {
  const auto found = constants_.find(tensor);
  return found == constants_.end() ? nullptr : &found->second;
}

const TensorInfo* Wiring::input(const std::string& tensor) const {
  const auto found = std::find_if(inputs_.begin(), inputs_.end(),
                                  [&](const auto& input) { return input.name == tensor; });
  return found == inputs_.end() ? nullptr : &*found;
}

}  // namespace osprey::onnx
