// SPDX-License-Identifier: Apache-2.0
#include "quantize/layers.hpp"

namespace osprey::quantize {

namespace {

using onnx::Node;

bool flag(const Node& node, const char* name) {
  const auto found = node.attributes.find(name);
  return found != node.attributes.end() && found->second == onnx::Attribute(std::int64_t{1});
}

std::size_t channel_axis(const Node& node, const Shape& weights) {
  if (node.op == "ConvTranspose") return 1;
  if (node.op == "Gemm") return flag(node, "transB") ? 0 : 1;
  return node.op == "MatMul" ? weights.size() - 1 : 0;
}

}  // namespace

bool only_moves(const Node& node) {
  static const std::set<std::string> kMovers = {
      "Split",   "MaxPool", "Concat",    "Slice",    "Reshape",      "Transpose",   "Flatten",
      "Squeeze", "Gather",  "Unsqueeze", "Identity", "DepthToSpace", "SpaceToDepth"};
  if (kMovers.contains(node.op)) return true;
  if (node.op != "Resize" && node.op != "Upsample") return false;
  const auto mode = node.attributes.find("mode");
  return mode == node.attributes.end() || mode->second == onnx::Attribute(std::string("nearest"));
}

bool is_depthwise(const WeightedLayer& layer) {
  return layer.op == "Conv" && layer.groups > 1 && layer.shape[1] == 1;
}

std::optional<WeightedLayer> layer_of(const onnx::Wiring& wiring, std::size_t index) {
  const Node& node = wiring.nodes()[index];
  const bool convolution = node.op == "Conv" || node.op == "ConvTranspose";
  if (!convolution && node.op != "Gemm" && node.op != "MatMul") return std::nullopt;
  if (node.inputs.size() < 2 || node.outputs.empty()) return std::nullopt;
  const auto* weights = wiring.constant(node.inputs[1]);
  if (weights == nullptr || weights->type != ElementType::kFloat32 || weights->shape.size() < 2) {
    return std::nullopt;
  }
  WeightedLayer layer;
  layer.node = index;
  layer.name = onnx::label(node);
  layer.op = node.op;
  layer.input = node.inputs[0];
  layer.weights = node.inputs[1];
  if (node.inputs.size() > 2) layer.bias = node.inputs[2];
  layer.output = node.outputs.front();
  layer.shape = weights->shape;
  layer.channel_axis = channel_axis(node, layer.shape);
  if (const auto group = node.attributes.find("group"); group != node.attributes.end()) {
    if (const auto* count = std::get_if<std::int64_t>(&group->second)) layer.groups = *count;
  }
  return layer;
}

std::string unfit_for_int8(const onnx::Wiring& wiring, const WeightedLayer& layer) {
  std::string tensor = layer.input;
  while (true) {
    if (wiring.constant(tensor) != nullptr) return "its input is constant";
    if (const auto* input = wiring.input(tensor)) {
      return input->type == ElementType::kFloat32 ? "" : "its input is not float32";
    }
    const auto maker = wiring.maker(tensor);
    if (!maker) return "nothing makes its input";
    const Node& node = wiring.nodes()[*maker];
    if (node.op == "Softmax") return "it sums probabilities: sides of boxes, to a fraction";
    if (!only_moves(node) || node.op == "Concat" || node.inputs.empty()) return "";
    tensor = node.inputs[0];
  }
}

Head head_of(const onnx::Model& model) {
  const onnx::Wiring wiring(model);
  std::set<std::size_t> ends;
  Head head;
  std::vector<std::string> open;
  for (const auto& output : model.outputs()) open.push_back(output.name);
  while (!open.empty()) {
    const auto tensor = open.back();
    open.pop_back();
    if (wiring.input(tensor) != nullptr) return {};
    const auto maker = wiring.maker(tensor);
    if (!maker || ends.contains(*maker) || head.decoding.contains(*maker)) continue;
    const auto layer = layer_of(wiring, *maker);
    if (layer && unfit_for_int8(wiring, *layer).empty()) {
      ends.insert(*maker);
      continue;
    }
    head.decoding.insert(*maker);
    const auto& inputs = wiring.nodes()[*maker].inputs;
    open.insert(open.end(), inputs.begin(), inputs.end());
  }
  for (const auto end : ends) head.tensors.push_back(wiring.nodes()[end].outputs.front());
  return head;
}

}  // namespace osprey::quantize
