// SPDX-License-Identifier: Apache-2.0
#include "runtime/openvino/describe_layers.hpp"

#include <map>
#include <openvino/op/ops.hpp>
#include <openvino/openvino.hpp>
#include <optional>
#include <set>
#include <string_view>

namespace osprey::runtime {

namespace {

using model::Layer;
namespace op = ov::op;

double product(const ov::Shape& shape, std::size_t from = 0) {
  double n = 1;
  for (auto i = from; i < shape.size(); ++i) n *= static_cast<double>(shape[i]);
  return n;
}

bool has_open_size(const ov::Node& node) {
  for (const auto& input : node.inputs()) {
    if (input.get_partial_shape().is_dynamic()) return true;
  }
  return node.get_output_size() == 0 || node.get_output_partial_shape(0).is_dynamic();
}

bool multiplies(const ov::Node& node) {
  return ov::is_type<op::v1::Convolution>(&node) || ov::is_type<op::v1::GroupConvolution>(&node) ||
         ov::is_type<op::v1::ConvolutionBackpropData>(&node) || ov::is_type<op::v0::MatMul>(&node);
}

bool is_arithmetic(const ov::Node& node) {
  return ov::is_type<op::v1::Add>(&node) || ov::is_type<op::v1::Subtract>(&node) ||
         ov::is_type<op::v1::Multiply>(&node) || ov::is_type<op::v1::Divide>(&node);
}

bool is_activation(const ov::Node& node) {
  return ov::is_type<op::v0::Relu>(&node) || ov::is_type<op::v0::PRelu>(&node) ||
         ov::is_type<op::v0::Clamp>(&node) || ov::is_type<op::v0::Sigmoid>(&node) ||
         ov::is_type<op::v4::HSwish>(&node) || ov::is_type<op::v5::HSigmoid>(&node) ||
         ov::is_type<op::v0::HardSigmoid>(&node);
}

/// The network without constants and without what is free.
class Steps {
 public:
  explicit Steps(const ov::Model& graph) {
    for (const auto& node : graph.get_ordered_ops()) {
      if (!depends_on_picture(*node)) continue;
      varying_.insert(node.get());
      if (!is_free(*node)) nodes_.push_back(node.get());
    }
    for (const auto* node : nodes_) {
      for (const auto* source : sources(*node)) ++readers_[source];
    }
    for (const auto& result : graph.get_results()) {
      ++readers_[source(*result->get_input_node_ptr(0))];
    }
    for (const auto* node : nodes_) {
      const auto* sigmoid = silu_sigmoid(*node);
      if (sigmoid == nullptr) continue;
      silus_.insert(node);
      of_silus_.insert(sigmoid);
    }
  }

  std::vector<Layer> layers() const {
    std::vector<Layer> layers;
    for (const auto* node : nodes_) {
      if (has_open_size(*node)) continue;
      if (auto layer = layer_of(*node)) layers.push_back(*layer);
    }
    return layers;
  }

 private:
  /// Sizes are known, so what they are computed from does not matter.
  bool depends_on_picture(const ov::Node& node) const {
    if (ov::is_type<op::v0::Parameter>(&node)) return true;
    if (std::string_view(node.get_type_name()) == "ShapeOf") return false;
    for (const auto& input : node.input_values()) {
      if (!is_constant(*input.get_node())) return true;
    }
    return false;
  }

  bool is_constant(const ov::Node& node) const { return varying_.count(&node) == 0; }

  /// Costs nothing wherever it stands.
  bool is_free(const ov::Node& node) const {
    static const std::set<std::string_view> kTypes = {"Parameter",    "Result",        "Convert",
                                                      "FakeQuantize", "Reshape",       "Squeeze",
                                                      "Unsqueeze",    "VariadicSplit", "Split"};
    if (kTypes.count(node.get_type_name()) > 0) return true;
    if (!is_arithmetic(node)) return false;
    return is_constant(*node.get_input_node_ptr(0)) || is_constant(*node.get_input_node_ptr(1));
  }

  const ov::Node* source(const ov::Node& node) const {
    const auto* at = &node;
    while (is_free(*at) && at->get_input_size() > 0) {
      const bool second = at->get_input_size() > 1 && is_constant(*at->get_input_node_ptr(0));
      at = at->get_input_node_ptr(second ? 1 : 0);
    }
    return at;
  }

  std::vector<const ov::Node*> sources(const ov::Node& node) const {
    std::vector<const ov::Node*> found;
    for (const auto& input : node.input_values()) {
      if (!is_constant(*input.get_node())) found.push_back(source(*input.get_node()));
    }
    return found;
  }

  int readers(const ov::Node* node) const {
    const auto found = readers_.find(node);
    return found == readers_.end() ? 0 : found->second;
  }

  /// The sigmoid and the convolution of x * sigmoid(x), if nothing else reads either.
  const ov::Node* silu_sigmoid(const ov::Node& node) const {
    if (!ov::is_type<op::v1::Multiply>(&node)) return nullptr;
    const auto factors = sources(node);
    if (factors.size() != 2) return nullptr;
    for (const std::size_t i : {std::size_t{0}, std::size_t{1}}) {
      const auto* sigmoid = factors[i];
      const auto* x = factors[1 - i];
      if (!ov::is_type<op::v0::Sigmoid>(sigmoid) || sources(*sigmoid).front() != x) continue;
      if (multiplies(*x) && readers(sigmoid) == 1 && readers(x) == 2) return sigmoid;
    }
    return nullptr;
  }

  std::optional<Layer> layer_of(const ov::Node& node) const {
    Layer layer;
    for (const auto& input : node.input_values()) {
      if (!is_constant(*input.get_node())) layer.values_in += product(input.get_shape());
    }
    layer.values_out = product(node.get_output_shape(0));
    if (multiplies(node)) {
      fill_product(node, layer);
      return layer;
    }
    if (silus_.count(&node) > 0) {
      layer.kind = Layer::Kind::kSilu;
      layer.values_in /= 2;  // both factors are the same values
      return layer;
    }
    if (ov::is_type<op::v4::Swish>(&node) && multiplies(*sources(node).front())) {
      layer.kind = Layer::Kind::kSilu;
      return layer;
    }
    if (is_activation(node)) {
      if (multiplies(*sources(node).front()) && readers(sources(node).front()) == 1) return {};
      if (of_silus_.count(&node) > 0) return {};
    }
    return layer;
  }

  static void fill_product(const ov::Node& node, Layer& layer) {
    layer.kind = Layer::Kind::kConvolution;
    const auto& out = node.get_output_shape(0);
    if (const auto* matrices = dynamic_cast<const op::v0::MatMul*>(&node)) {
      const auto& a = node.get_input_shape(0);
      const bool turned = matrices->get_transpose_a() && a.size() > 1;
      layer.channels_in = static_cast<double>(a.empty() ? 1 : a[a.size() - (turned ? 2 : 1)]);
      layer.channels_out = static_cast<double>(out.empty() ? 1 : out.back());
      layer.positions = layer.values_out / layer.channels_out;
      return;
    }
    const auto& weights = node.get_input_shape(1);
    layer.weights = product(weights);
    const auto at = [&](std::size_t i) { return static_cast<double>(weights[i]); };
    if (ov::is_type<op::v1::GroupConvolution>(&node)) {
      layer.channels_out = at(1);
      layer.channels_in = at(2);
      layer.positions = product(out, 2) * product(weights, 3) * at(0);
      if (at(1) == 1 && at(2) == 1) layer.kind = Layer::Kind::kDepthwise;
    } else if (ov::is_type<op::v1::Convolution>(&node)) {
      layer.channels_out = at(0);
      layer.channels_in = at(1);
      layer.positions = product(out, 2) * product(weights, 2);
    } else {  // backwards: each place of the input is spread
      layer.channels_in = at(0);
      layer.channels_out = at(1);
      layer.positions = product(node.get_input_shape(0), 2) * product(weights, 2);
    }
    layer.positions *= static_cast<double>(out[0]);
  }

  std::set<const ov::Node*> varying_;  // with the picture
  std::vector<const ov::Node*> nodes_;
  std::map<const ov::Node*, int> readers_;
  std::set<const ov::Node*> silus_;     // the products
  std::set<const ov::Node*> of_silus_;  // their sigmoids, which count with them
};

}  // namespace

std::vector<Layer> layers_of(const ov::Model& graph) {
  return Steps(graph).layers();
}

}  // namespace osprey::runtime
