// SPDX-License-Identifier: Apache-2.0
#include "quantize/plan.hpp"

#include <algorithm>

namespace osprey::quantize {

namespace {

using onnx::Node;

class Planner {
 public:
  Planner(const onnx::Model& model, const std::set<std::string>& in_float, Placement placement)
      : wiring_(model),
        nodes_(wiring_.nodes()),
        head_(head_of(model)),
        in_float_(in_float),
        placement_(placement) {}

  Plan run() {
    std::set<std::size_t> float_nodes;
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      auto layer = layer_of(wiring_, i);
      if (!layer) continue;
      const bool asked = in_float_.contains(layer->name);
      if (const auto why = asked ? "as asked" : unfit_for_int8(wiring_, *layer); !why.empty()) {
        plan_.left_out.emplace_back(layer->name, why);
        float_nodes.insert(i);
        continue;
      }
      read_rounded(i, 0);
      plan_.layers.push_back(std::move(*layer));
    }
    if (placement_ == Placement::kEverywhere) round_the_rest(std::move(float_nodes));
    add_points();
    std::sort(plan_.readers.begin(), plan_.readers.end());
    plan_.readers.erase(std::unique(plan_.readers.begin(), plan_.readers.end()),
                        plan_.readers.end());
    return std::move(plan_);
  }

  std::vector<std::string> layer_names() const {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      if (const auto layer = layer_of(wiring_, i)) names.push_back(layer->name);
    }
    return names;
  }

 private:
  void read_rounded(std::size_t node, std::size_t input) {
    plan_.readers.emplace_back(node, input);
    round(nodes_[node].inputs[input]);
  }

  /// Sees to it that the tensor has the values of 256 steps.
  void round(const std::string& tensor) {
    if (!rounded_.insert(tensor).second) return;
    group_of(tensor);
    const auto maker = wiring_.maker(tensor);
    if (!maker) {
      made_here_.insert(tensor);
      return;
    }
    const Node& node = nodes_[*maker];
    const std::size_t moved = node.op == "Concat" ? node.inputs.size() : 1;
    const auto is_constant = [&](const std::string& name) {
      return wiring_.constant(name) != nullptr;
    };
    const bool moves =
        only_moves(node) && !node.inputs.empty() &&
        std::none_of(node.inputs.begin(), node.inputs.begin() + static_cast<std::ptrdiff_t>(moved),
                     is_constant);
    if (moves) {
      for (std::size_t i = 0; i < moved; ++i) {
        join(node.inputs[i], tensor);
        read_rounded(*maker, i);
      }
      return;
    }
    made_here_.insert(tensor);
    // A residual addition computes with rounded values, too.
    if (node.op == "Add" && std::none_of(node.inputs.begin(), node.inputs.end(), is_constant)) {
      for (std::size_t i = 0; i < node.inputs.size(); ++i) read_rounded(*maker, i);
    }
  }

  /// `in_float`: nodes whose values stay floats until the next layer reads them.
  void round_the_rest(std::set<std::size_t> in_float) {
    std::set<std::string> data;  // what follows from the pictures
    for (const auto& input : wiring_.inputs()) {
      if (input.type == ElementType::kFloat32) data.insert(input.name);
    }
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      const auto& node = nodes_[i];
      static const std::set<std::string> kNoFloats = {"Shape", "Size", "Cast", "ArgMax", "NonZero"};
      if (kNoFloats.contains(node.op)) continue;
      std::vector<std::size_t> read;
      for (std::size_t j = 0; j < node.inputs.size(); ++j) {
        if (data.contains(node.inputs[j])) read.push_back(j);
      }
      if (read.empty() || head_.decoding.contains(i)) continue;
      data.insert(node.outputs.begin(), node.outputs.end());
      const bool follows = std::all_of(read.begin(), read.end(), [&](std::size_t j) {
        const auto maker = wiring_.maker(node.inputs[j]);
        return maker && in_float.contains(*maker);
      });
      if (in_float.contains(i) || (follows && !layer_of(wiring_, i))) {
        in_float.insert(i);
        continue;
      }
      for (const auto j : read) read_rounded(i, j);
      for (const auto& output : node.outputs) {
        if (wiring_.is_output(output) || !wiring_.readers(output).empty()) round(output);
      }
    }
    in_float.insert(head_.decoding.begin(), head_.decoding.end());
    // What others have rounded is there in no other form.
    for (const auto i : in_float) {
      for (std::size_t j = 0; j < nodes_[i].inputs.size(); ++j) {
        if (rounded_.contains(nodes_[i].inputs[j])) plan_.readers.emplace_back(i, j);
      }
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
    for (const auto& input : wiring_.inputs()) add(input.name);
    for (const auto& node : nodes_) {
      for (const auto& output : node.outputs) add(output);
    }
    plan_.groups = numbers.size();
    if (placement_ == Placement::kEverywhere) return;
    std::vector<int> sizes(plan_.groups, 0);
    for (const auto& point : plan_.points) ++sizes[point.group];
    for (auto& point : plan_.points) {
      point.by_channel = sizes[point.group] == 1 && only_depthwise_read(point.tensor);
    }
  }

  /// Among those that read the rounded values.
  bool only_depthwise_read(const std::string& tensor) const {
    std::set<std::size_t> depthwise;
    for (const auto& layer : plan_.layers) {
      if (is_depthwise(layer)) depthwise.insert(layer.node);
    }
    const auto& readers = wiring_.readers(tensor);
    return std::all_of(plan_.readers.begin(), plan_.readers.end(), [&](const auto& reader) {
      return std::find(readers.begin(), readers.end(), reader) == readers.end() ||
             depthwise.contains(reader.first);
    });
  }

  const onnx::Wiring wiring_;
  const std::vector<Node>& nodes_;
  const Head head_;
  const std::set<std::string>& in_float_;
  const Placement placement_;
  std::set<std::string> rounded_, made_here_;
  std::map<std::string, std::string> parent_;  // of tensors that share a scale
  Plan plan_;
};

}  // namespace

Result<Plan> plan_of(const onnx::Model& model, const std::set<std::string>& in_float,
                     Placement placement) {
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
  Planner planner(model, in_float, placement);
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
