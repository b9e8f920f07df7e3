// SPDX-License-Identifier: Apache-2.0
#include "onnx/fusion.hpp"

#include <algorithm>
#include <set>

#include "onnx/wiring.hpp"

namespace osprey::onnx {

namespace {

class Finder {
 public:
  explicit Finder(const Model& model) : wiring_(model), nodes_(wiring_.nodes()) {}

  std::vector<Fusion> run() {
    static const std::set<std::string> kLayers = {"Conv", "ConvTranspose", "Gemm", "MatMul"};
    for (const auto& node : nodes_) {
      if (kLayers.contains(node.op) && !node.outputs.empty()) follow(node);
    }
    return std::move(found_);
  }

 private:
  void follow(const Node& layer) {
    layer_ = label(layer);
    std::string tensor = unrounded(layer.outputs.front());
    if (const auto* norm = reader(tensor, "BatchNormalization")) {
      if (!add(FusionKind::kBatchNormalization, {norm}, others(tensor, {norm}))) return;
      tensor = unrounded(norm->outputs.front());
    }
    if (silu(tensor) || hard_swish(tensor)) return;
    static const std::set<std::string> kOne = {"Relu",    "LeakyRelu", "PRelu", "Clip",
                                               "Sigmoid", "HardSwish", "Elu",   "HardSigmoid",
                                               "Mish",    "Tanh",      "Gelu",  "Swish"};
    for (const auto* next : readers(tensor)) {
      if (!kOne.contains(next->op)) continue;
      const auto kind = next->op == "HardSwish" ? FusionKind::kHardSwish : FusionKind::kActivation;
      add(kind, {next}, others(tensor, {next}));
      return;
    }
    const auto* sum = reader(tensor, "Add");
    if (sum != nullptr && !has_constant(*sum)) {
      add(FusionKind::kAdd, {sum}, others(tensor, {sum}));
    }
  }

  bool silu(const std::string& tensor) {
    for (const auto* sigmoid : readers(tensor)) {
      if (sigmoid->op != "Sigmoid") continue;
      const auto gate = unrounded(sigmoid->outputs.front());
      const auto* product = product_of(tensor, gate);
      if (product == nullptr) continue;
      auto blocked = others(tensor, {sigmoid, product});
      if (blocked.empty()) blocked = others(gate, {product});
      add(FusionKind::kSilu, {sigmoid, product}, blocked);
      return true;
    }
    return false;
  }

  /// x * HardSigmoid(x), or x * Clip(x + 3, 0, 6) / 6 in whichever order.
  bool hard_swish(const std::string& tensor) {
    for (const auto* first : readers(tensor)) {
      std::vector<const Node*> chain = {first};
      if (first->op == "Add" && has_constant(*first)) {
        const auto* clip = reader(unrounded(first->outputs.front()), "Clip");
        if (clip == nullptr) continue;
        chain.push_back(clip);
      } else if (first->op != "HardSigmoid") {
        continue;
      }
      auto gate = unrounded(chain.back()->outputs.front());
      if (const auto* by_six = scaling(gate)) {
        chain.push_back(by_six);
        gate = unrounded(by_six->outputs.front());
      }
      const auto* product = product_of(tensor, gate);
      if (product == nullptr) continue;
      chain.push_back(product);
      if (const auto* by_six = scaling(unrounded(product->outputs.front()));
          by_six != nullptr && chain.size() == 3) {
        chain.push_back(by_six);
      }
      auto blocked = others(tensor, {first, product});
      for (std::size_t i = 0; i + 1 < chain.size() && blocked.empty(); ++i) {
        blocked = others(unrounded(chain[i]->outputs.front()), {chain[i + 1]});
      }
      add(FusionKind::kHardSwish, chain, blocked);
      return true;
    }
    return false;
  }

  bool add(FusionKind kind, const std::vector<const Node*>& nodes, const std::string& blocked) {
    Fusion fusion{kind, layer_, {}, blocked};
    for (const auto* node : nodes) fusion.nodes.push_back(label(*node));
    found_.push_back(std::move(fusion));
    return blocked.empty();
  }

  /// The same values behind a pair of QuantizeLinear and DequantizeLinear.
  std::string unrounded(const std::string& tensor) const {
    const auto& readers = wiring_.readers(tensor);
    if (readers.size() != 1 || nodes_[readers[0].first].op != "QuantizeLinear") return tensor;
    const auto& steps = wiring_.readers(nodes_[readers[0].first].outputs.front());
    if (steps.size() != 1 || nodes_[steps[0].first].op != "DequantizeLinear") return tensor;
    return nodes_[steps[0].first].outputs.front();
  }

  /// Each once.
  std::vector<const Node*> readers(const std::string& tensor) const {
    std::vector<const Node*> nodes;
    for (const auto& [node, input] : wiring_.readers(tensor)) {
      if (nodes.empty() || nodes.back() != &nodes_[node]) nodes.push_back(&nodes_[node]);
    }
    return nodes;
  }

  const Node* reader(const std::string& tensor, const std::string& op) const {
    for (const auto* node : readers(tensor)) {
      if (node->op == op) return node;
    }
    return nullptr;
  }

  const Node* product_of(const std::string& a, const std::string& b) const {
    for (const auto* node : readers(a)) {
      if (node->op != "Mul" || node->inputs.size() != 2) continue;
      if (node->inputs == std::vector{a, b} || node->inputs == std::vector{b, a}) return node;
    }
    return nullptr;
  }

  const Node* scaling(const std::string& tensor) const {
    for (const auto* node : readers(tensor)) {
      if ((node->op == "Div" || node->op == "Mul") && has_constant(*node)) return node;
    }
    return nullptr;
  }

  bool has_constant(const Node& node) const {
    return std::any_of(node.inputs.begin(), node.inputs.end(), [&](const std::string& input) {
      return wiring_.constant(input) != nullptr;
    });
  }

  /// Who else needs the tensor, in words; empty: nobody.
  std::string others(const std::string& tensor, const std::vector<const Node*>& known) const {
    const auto maker = wiring_.maker(tensor);
    const std::string what = maker ? nodes_[*maker].op + " " + label(nodes_[*maker]) : tensor;
    if (wiring_.is_output(tensor)) return what + " is an output of the model, too";
    for (const auto* node : readers(tensor)) {
      if (std::find(known.begin(), known.end(), node) != known.end()) continue;
      return what + " is also read by " + node->op + " " + label(*node);
    }
    return "";
  }

  const Wiring wiring_;
  const std::vector<Node>& nodes_;
  std::string layer_;
  std::vector<Fusion> found_;
};

}  // namespace

std::vector<Fusion> find_fusions(const Model& model) {
  return Finder(model).run();
}

std::string name_of(FusionKind kind) {
  switch (kind) {
    case FusionKind::kBatchNormalization:
      return "BatchNormalization";
    case FusionKind::kSilu:
      return "SiLU";
    case FusionKind::kHardSwish:
      return "HardSwish";
    case FusionKind::kActivation:
      return "activation";
    case FusionKind::kAdd:
      return "Add";
  }
  return "";
}

}  // namespace osprey::onnx
