// SPDX-License-Identifier: Apache-2.0
#include "onnx/rewrite.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>

#include "onnx/wiring.hpp"

namespace osprey::onnx {

namespace {

/// What follows a convolution: value * scale + shift, by channel.
struct Affine {
  std::vector<float> scale, shift;
};

/// One change at a time: indices are those of the moment.
class Rewriter {
 public:
  explicit Rewriter(Model& model) : model_(model), wiring_(model) {}

  /// What was changed, in words; nothing if there is nothing left to change.
  std::optional<std::string> change_one() {
    for (std::size_t i = 0; i < nodes().size(); ++i) {
      if (nodes()[i].outputs.empty()) continue;
      for (const auto change : {&Rewriter::pass_over, &Rewriter::fold, &Rewriter::say_sigmoid,
                                &Rewriter::free_sigmoid}) {
        if (auto what = (this->*change)(i); !what.empty()) return what;
      }
    }
    return std::nullopt;
  }

 private:
  const std::vector<Node>& nodes() const { return wiring_.nodes(); }

  std::string pass_over(std::size_t index) {
    const auto& node = nodes()[index];
    if (node.op != "Identity" && node.op != "Dropout") return "";
    if (wiring_.is_output(node.outputs.front()) || node.inputs.empty()) return "";
    // A mask that is read, or dropping out at inference as the third input may ask for.
    if (node.outputs.size() > 1 && !wiring_.readers(node.outputs[1]).empty()) return "";
    if (node.inputs.size() > 2) return "";
    give_readers(node.outputs.front(), node.inputs.front());
    model_.remove_unused();
    return node.op + " " + label(node) + " went";
  }

  std::string fold(std::size_t index) {
    const auto& layer = nodes()[index];
    if (layer.op != "Conv" || layer.inputs.size() < 2) return "";
    const auto* weights = wiring_.constant(layer.inputs[1]);
    if (weights == nullptr || weights->type != ElementType::kFloat32) return "";
    const auto& readers = wiring_.readers(layer.outputs.front());
    if (readers.size() != 1 || wiring_.is_output(layer.outputs.front())) return "";
    const auto& next = nodes()[readers[0].first];
    const auto channels = static_cast<std::size_t>(weights->shape.front());
    const auto affine = affine_of(next, readers[0].second, channels, weights->shape.size());
    if (!affine) return "";
    auto values = model_.floats(layer.inputs[1]);
    std::vector<float> bias(channels, 0);
    if (layer.inputs.size() > 2 && !layer.inputs[2].empty()) {
      auto given = model_.floats(layer.inputs[2]);
      if (!given || given->size() != channels) return "";
      bias = std::move(*given);
    }
    if (!values || values->size() % channels != 0) return "";
    const std::size_t each = values->size() / channels;
    for (std::size_t c = 0; c < channels; ++c) {
      for (std::size_t i = 0; i < each; ++i) (*values)[c * each + i] *= affine->scale[c];
      bias[c] = bias[c] * affine->scale[c] + affine->shift[c];
    }
    const auto folded = layer.inputs[1] + "_with_" + label(next);
    model_.add_constant(folded, weights->shape, std::span<const float>(*values));
    model_.add_constant(folded + "_bias", {static_cast<std::int64_t>(channels)},
                        std::span<const float>(bias));
    model_.set_input(index, 1, folded);
    model_.set_input(index, 2, folded + "_bias");
    // The layer makes what `next` made, under its name: it may be an output.
    const auto made = next.outputs.front();
    model_.set_output(readers[0].first, 0, made + "_unread");
    model_.set_output(index, 0, made);
    model_.remove_unused();
    return next.op + " " + label(next) + " became part of " + label(layer);
  }

  std::optional<Affine> affine_of(const Node& node, std::size_t input, std::size_t channels,
                                  std::size_t rank) const {
    if (node.op == "BatchNormalization") return normalisation(node, channels);
    if ((node.op != "Mul" && node.op != "Add") || node.inputs.size() != 2) return std::nullopt;
    const auto* other = wiring_.constant(node.inputs[1 - input]);
    if (other == nullptr || !is_by_channel(other->shape, channels, rank)) return std::nullopt;
    auto values = model_.floats(other->name);
    if (!values || values->empty()) return std::nullopt;
    if (values->size() == 1) values->resize(channels, values->front());
    if (node.op == "Mul") return Affine{std::move(*values), std::vector<float>(channels, 0)};
    return Affine{std::vector<float>(channels, 1), std::move(*values)};
  }

  /// One value, or [1, C, 1, 1], or [C, 1, 1].
  static bool is_by_channel(const Shape& shape, std::size_t channels, std::size_t rank) {
    if (shape.size() > rank) return false;
    for (std::size_t i = 0; i < shape.size(); ++i) {
      const bool of_channels = shape.size() - i == rank - 1;
      const auto dim = static_cast<std::size_t>(shape[i]);
      if (dim != 1 && !(of_channels && dim == channels)) return false;
    }
    return true;
  }

  std::optional<Affine> normalisation(const Node& node, std::size_t channels) const {
    if (node.inputs.size() != 5) return std::nullopt;
    for (std::size_t i = 1; i < node.outputs.size(); ++i) {
      if (!wiring_.readers(node.outputs[i]).empty()) return std::nullopt;
    }
    std::vector<std::vector<float>> given;
    for (std::size_t i = 1; i < 5; ++i) {
      auto values = model_.floats(node.inputs[i]);
      if (!values || values->size() != channels) return std::nullopt;
      given.push_back(std::move(*values));
    }
    float epsilon = 1e-5f;
    if (const auto found = node.attributes.find("epsilon"); found != node.attributes.end()) {
      if (const auto* value = std::get_if<float>(&found->second)) epsilon = *value;
    }
    Affine affine;
    for (std::size_t c = 0; c < channels; ++c) {
      const float scale = given[0][c] / std::sqrt(given[3][c] + epsilon);
      affine.scale.push_back(scale);
      affine.shift.push_back(given[1][c] - given[2][c] * scale);
    }
    return affine;
  }

  /// a / (1 + exp(-x)), a being 1 or x.
  std::string say_sigmoid(std::size_t index) {
    const auto& node = nodes()[index];
    if (node.op != "Div" || node.inputs.size() != 2) return "";
    const auto* sum = maker_of(node.inputs[1], "Add");
    if (sum == nullptr) return "";
    const Node* exponential = nullptr;
    for (std::size_t i = 0; i < 2; ++i) {
      if (is_one(sum->inputs[1 - i])) exponential = maker_of(sum->inputs[i], "Exp");
      if (exponential != nullptr) break;
    }
    if (exponential == nullptr) return "";
    const auto* negative = maker_of(exponential->inputs.front(), "Neg");
    if (negative == nullptr) return "";
    const auto x = negative->inputs.front();
    const auto made = node.outputs.front();
    const bool silu = node.inputs.front() == x;
    if (!silu && !is_one(node.inputs.front())) return "";
    const auto gate = silu ? made + "_sigmoid" : made;
    std::vector<std::pair<std::size_t, Node>> added = {
        {index + 1, {"Sigmoid", {x}, {gate}, {}, label(node) + "_sigmoid"}}};
    if (silu) added.push_back({index + 1, {"Mul", {x, gate}, {made}, {}, label(node) + "_silu"}});
    model_.set_output(index, 0, made + "_unread");
    model_.insert_nodes(added);
    model_.remove_unused();
    return std::string(silu ? "x / (1 + exp(-x))" : "1 / (1 + exp(-x))") + " at " + label(node) +
           " is said with Sigmoid";
  }

  std::string free_sigmoid(std::size_t index) {
    const auto& sigmoid = nodes()[index];
    if (sigmoid.op != "Sigmoid" || wiring_.is_output(sigmoid.outputs.front())) return "";
    const auto& readers = wiring_.readers(sigmoid.outputs.front());
    const auto gates = [&](const Wiring::Reader& reader) {
      const auto& product = nodes()[reader.first];
      return product.op == "Mul" && product.inputs.size() == 2 &&
             product.inputs[1 - reader.second] == sigmoid.inputs.front();
    };
    const auto silu = std::find_if(readers.begin(), readers.end(), gates);
    if (silu == readers.end() || readers.size() < 2) return "";
    const auto own = sigmoid.outputs.front() + "_of_others";
    for (const auto& reader : readers) {
      if (reader != *silu) model_.set_input(reader.first, reader.second, own);
    }
    const std::vector<std::pair<std::size_t, Node>> added = {
        {index + 1, {"Sigmoid", sigmoid.inputs, {own}, {}, label(sigmoid) + "_of_others"}}};
    model_.insert_nodes(added);
    return "Sigmoid " + label(sigmoid) + " is the SiLU's alone; others have one of their own";
  }

  const Node* maker_of(const std::string& tensor, const std::string& op) const {
    const auto maker = wiring_.maker(tensor);
    if (!maker || nodes()[*maker].op != op || nodes()[*maker].inputs.empty()) return nullptr;
    return &nodes()[*maker];
  }

  bool is_one(const std::string& tensor) const {
    const auto values = model_.floats(tensor);
    return values.ok() && *values == std::vector<float>{1};
  }

  void give_readers(const std::string& from, const std::string& to) {
    for (const auto& [node, input] : wiring_.readers(from)) model_.set_input(node, input, to);
  }

  Model& model_;
  const Wiring wiring_;
};

}  // namespace

std::vector<std::string> rewrite(Model& model) {
  std::vector<std::string> changes;
  while (auto change = Rewriter(model).change_one()) changes.push_back(std::move(*change));
  return changes;
}

std::size_t remove_rounding(Model& model) {
  const Wiring wiring(model);
  const auto& nodes = wiring.nodes();
  // What a pair that ends with node i rounds.
  const auto rounds = [&](std::size_t i) -> std::optional<std::string> {
    if (nodes[i].op != "DequantizeLinear" || nodes[i].inputs.empty()) return std::nullopt;
    const auto rounding = wiring.maker(nodes[i].inputs.front());
    if (!rounding || nodes[*rounding].op != "QuantizeLinear") return std::nullopt;
    return nodes[*rounding].inputs.front();
  };
  std::size_t removed = 0;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    auto pair = rounds(i);
    if (!pair) continue;
    ++removed;
    std::string floats;
    while (pair) {
      floats = *pair;
      const auto maker = wiring.maker(floats);
      pair = maker ? rounds(*maker) : std::nullopt;
    }
    const auto& rounded = nodes[i].outputs.front();
    for (const auto& [node, input] : wiring.readers(rounded)) model.set_input(node, input, floats);
    if (!wiring.is_output(rounded)) continue;
    model.set_output(i, 0, rounded + "_unread");
    model.add_node({"Identity", {floats}, {rounded}, {}, rounded + "_identity"});
  }
  model.remove_unused();
  return removed;
}

}  // namespace osprey::onnx
