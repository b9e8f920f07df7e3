// SPDX-License-Identifier: Apache-2.0
#include "quantize/plan.hpp"

#include <algorithm>
#include <optional>

namespace osprey::quantize {

namespace {

using onnx::Node;

/// Operations whose outputs hold values of their first input (Concat: of all) and no others.
bool only_moves(const Node& node) {
  static const std::set<std::string> kMovers = {
      "Split",   "MaxPool", "Concat",    "Slice",    "Reshape",      "Transpose",   "Flatten",
      "Squeeze", "Gather",  "Unsqueeze", "Identity", "DepthToSpace", "SpaceToDepth"};
  if (kMovers.contains(node.op)) return true;
  if (node.op != "Resize" && node.op != "Upsample") return false;
  const auto mode = node.attributes.find("mode");
  return mode == node.attributes.end() || mode->second == onnx::Attribute(std::string("nearest"));
}

class Planner {
 public:
  Planner(const onnx::Model& model, const std::set<std::string>& in_float)
      : nodes_(model.nodes()), in_float_(in_float) {
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      for (const auto& output : nodes_[i].outputs) maker_[output] = i;
    }
    for (const auto& constant : model.constants()) constants_[constant.name] = constant;
    for (const auto& input : model.inputs()) inputs_[input.name] = input.type;
  }

  Plan run() {
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      auto layer = layer_of(i);
      if (!layer) continue;
      if (in_float_.contains(layer->name)) {
        plan_.left_out.emplace_back(layer->name, "as asked");
        continue;
      }
      if (const auto why = unfit(*layer); !why.empty()) {
        plan_.left_out.emplace_back(layer->name, why);
        continue;
      }
      read_rounded(i, 0);
      plan_.layers.push_back(std::move(*layer));
    }
    add_points();
    std::sort(plan_.readers.begin(), plan_.readers.end());
    plan_.readers.erase(std::unique(plan_.readers.begin(), plan_.readers.end()),
                        plan_.readers.end());
    return std::move(plan_);
  }

  std::vector<std::string> layer_names() const {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      if (const auto layer = layer_of(i)) names.push_back(layer->name);
    }
    return names;
  }

 private:
  std::optional<WeightedLayer> layer_of(std::size_t index) const {
    const Node& node = nodes_[index];
    const bool convolution = node.op == "Conv" || node.op == "ConvTranspose";
    if (!convolution && node.op != "Gemm" && node.op != "MatMul") return std::nullopt;
    if (node.inputs.size() < 2) return std::nullopt;
    const auto weights = constants_.find(node.inputs[1]);
    if (weights == constants_.end() || weights->second.type != ElementType::kFloat32) {
      return std::nullopt;
    }
    WeightedLayer layer;
    layer.node = index;
    layer.name = node.name.empty() ? node.outputs.front() : node.name;
    layer.op = node.op;
    layer.input = node.inputs[0];
    layer.weights = node.inputs[1];
    if (node.inputs.size() > 2) layer.bias = node.inputs[2];
    layer.shape = weights->second.shape;
    if (layer.shape.size() < 2) return std::nullopt;
    if (const auto group = node.attributes.find("group"); group != node.attributes.end()) {
      if (const auto* count = std::get_if<std::int64_t>(&group->second)) layer.groups = *count;
    }
    const auto flag = [&](const char* name) {
      const auto found = node.attributes.find(name);
      return found != node.attributes.end() && found->second == onnx::Attribute(std::int64_t{1});
    };
    if (node.op == "Conv") layer.channel_axis = 0;
    if (node.op == "ConvTranspose") layer.channel_axis = 1;
    if (node.op == "Gemm") layer.channel_axis = flag("transB") ? 0 : 1;
    if (node.op == "MatMul") layer.channel_axis = layer.shape.size() - 1;
    return layer;
  }

  /// Why the layer is better left in float; empty if it is not.
  std::string unfit(const WeightedLayer& layer) const {
    std::string tensor = layer.input;
    while (true) {
      if (constants_.contains(tensor)) return "its input is constant";
      const auto input = inputs_.find(tensor);
      if (input != inputs_.end()) {
        return input->second == ElementType::kFloat32 ? "" : "its input is not float32";
      }
      const auto maker = maker_.find(tensor);
      if (maker == maker_.end()) return "nothing makes its input";
      const Node& node = nodes_[maker->second];
      if (node.op == "Softmax") return "it sums probabilities: sides of boxes, to a fraction";
      if (!only_moves(node) || node.op == "Concat" || node.inputs.empty()) return "";
      tensor = node.inputs[0];
    }
  }

  void read_rounded(std::size_t node, std::size_t input) {
    plan_.readers.emplace_back(node, input);
    round(nodes_[node].inputs[input]);
  }

  /// Sees to it that the tensor has the values of 256 steps.
  void round(const std::string& tensor) {
    if (!rounded_.insert(tensor).second) return;
    group_of(tensor);
    const auto maker = maker_.find(tensor);
    if (maker == maker_.end()) {
      made_here_.insert(tensor);
      return;
    }
    const Node& node = nodes_[maker->second];
    const std::size_t moved = node.op == "Concat" ? node.inputs.size() : 1;
    const auto is_constant = [&](const std::string& name) { return constants_.contains(name); };
    const bool moves =
        only_moves(node) && !node.inputs.empty() &&
        std::none_of(node.inputs.begin(), node.inputs.begin() + static_cast<std::ptrdiff_t>(moved),
                     is_constant);
    if (moves) {
      for (std::size_t i = 0; i < moved; ++i) {
        join(node.inputs[i], tensor);
        read_rounded(maker->second, i);
      }
      return;
    }
    made_here_.insert(tensor);
    // A residual addition computes with rounded values, too.
    if (node.op == "Add" && std::none_of(node.inputs.begin(), node.inputs.end(), is_constant)) {
      for (std::size_t i = 0; i < node.inputs.size(); ++i) read_rounded(maker->second, i);
    }
  }

  std::string group_of(const std::string& tensor) {
    auto& above = parent_.try_emplace(tensor, tensor).first->second;
    if (above == tensor) return tensor;
    return above = group_of(above);
  }
  void join(const std::string& a, const std::string& b) { parent_[group_of(a)] = group_of(b); }

  void add_points() {
    std::map<std::string, std::size_t> numbers;
    const auto add = [&](const std::string& tensor) {
      if (!made_here_.contains(tensor)) return;
      const auto number = numbers.try_emplace(group_of(tensor), numbers.size()).first->second;
      plan_.points.push_back({tensor, number});
    };
    for (const auto& [name, type] : inputs_) add(name);
    for (const auto& node : nodes_) {
      for (const auto& output : node.outputs) add(output);
    }
    plan_.groups = numbers.size();
  }

  std::vector<Node> nodes_;
  const std::set<std::string>& in_float_;
  std::map<std::string, std::size_t> maker_;  // of a tensor: the node
  std::map<std::string, TensorInfo> constants_;
  std::map<std::string, ElementType> inputs_;
  std::set<std::string> rounded_, made_here_;
  std::map<std::string, std::string> parent_;  // of tensors that share a scale
  Plan plan_;
};

}  // namespace

Result<Plan> plan_of(const onnx::Model& model, const std::set<std::string>& in_float) {
  if (model.opset() < kLeastOpset) {
    return Error{ErrorCode::kUnsupported, "opset " + std::to_string(model.opset()) + ": expected " +
                                              std::to_string(kLeastOpset) + " or newer"};
  }
  for (const auto& node : model.nodes()) {
    if (node.op == "QuantizeLinear" || node.op == "DequantizeLinear" || node.op == "QLinearConv") {
      return Error{ErrorCode::kUnsupported,
                   "is quantised already (" + node.op + "); expected floats"};
    }
  }
  Planner planner(model, in_float);
  const auto names = planner.layer_names();
  for (const auto& wanted : in_float) {
    if (std::find(names.begin(), names.end(), wanted) != names.end()) continue;
    return Error{ErrorCode::kInvalidArgument,
                 "has no layer " + wanted +
                     (names.empty() ? "" : "; expected names such as " + names.front())};
  }
  auto plan = planner.run();
  if (!plan.layers.empty()) return plan;
  return Error{ErrorCode::kUnsupported,
               "no convolution or fully connected layer has constant float32 weights that could "
               "become INT8"};
}

}  // namespace osprey::quantize
