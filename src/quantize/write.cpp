// SPDX-License-Identifier: Apache-2.0
#include "quantize/write.hpp"

#include <algorithm>
#include <cstdint>
#include <set>

#include "base/try.hpp"

namespace osprey::quantize {

namespace {

using onnx::Node;

class Writer {
 public:
  Writer(onnx::Model& model, const Plan& plan, const std::vector<Scale>& scales,
         const WriteOptions& options)
      : model_(model),
        plan_(plan),
        scales_(scales),
        options_(options),
        wiring_(model),
        nodes_(wiring_.nodes()) {
    for (const auto& constant : model.constants()) taken_.insert(constant.name);
    for (const auto& node : nodes_) taken_.insert(node.outputs.begin(), node.outputs.end());
  }

  Status run(const std::map<std::string, InputMeans>& means) {
    for (const auto& layer : plan_.layers) {
      OSPREY_TRY(add_weights(layer, correcting_means(means, layer)));
    }
    for (const auto& point : plan_.points) add_point(point);
    for (const auto& [node, input] : plan_.readers) {
      const auto rounded = rounded_.find(nodes_[node].inputs[input]);
      if (rounded != rounded_.end()) model_.set_input(node, input, rounded->second);
    }
    std::stable_sort(added_.begin(), added_.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    model_.insert_nodes(added_);
    model_.remove_unused();
    return {};
  }

 private:
  Status add_weights(const WeightedLayer& layer, const InputMeans* means) {
    const auto weights = OSPREY_TRY(model_.floats(layer.weights));
    const auto rounded = steps_of(weights, layer, options_);
    auto& name = weights_[layer.weights];  // several layers may share them
    if (name.empty()) {
      const auto steps = free_name(layer.weights + "_quantized");
      const auto scale = free_name(layer.weights + "_scale");
      const auto zero = free_name(layer.weights + "_zero_point");
      name = free_name(layer.weights + "_dequantized");
      model_.add_constant(steps, layer.shape, std::span<const std::int8_t>(rounded.steps));
      Shape shape;
      if (options_.weights.per_channel) shape = {static_cast<std::int64_t>(rounded.scales.size())};
      model_.add_constant(scale, shape, std::span<const float>(rounded.scales));
      model_.add_constant(zero, shape, std::span<const std::int8_t>(rounded.zero_points));
      Node node{"DequantizeLinear", {steps, scale, zero}, {name}, {}, name};
      if (options_.weights.per_channel) {
        node.attributes["axis"] = static_cast<std::int64_t>(layer.channel_axis);
      }
      added_.emplace_back(layer.node, std::move(node));
    }
    model_.set_input(layer.node, 1, name);
    if (means == nullptr) return {};
    auto bias = OSPREY_TRY(model_.floats(layer.bias));
    const auto shift =
        mean_shift(weights, rounded, layer.shape, layer.channel_axis, layer.groups, *means);
    if (shift.size() != bias.size()) return {};
    for (std::size_t i = 0; i < bias.size(); ++i) bias[i] -= shift[i];
    const auto corrected = free_name(layer.bias + "_corrected");
    model_.add_constant(corrected, {static_cast<std::int64_t>(bias.size())},
                        std::span<const float>(bias));
    model_.set_input(layer.node, 2, corrected);
    return {};
  }

  void add_point(const Point& point) {
    const auto& scale = scales_[point.group];
    const auto scale_name = free_name(point.tensor + "_scale");
    const auto zero_name = free_name(point.tensor + "_zero_point");
    const auto steps = free_name(point.tensor + "_quantized");
    const auto maker = wiring_.maker(point.tensor);
    std::string floats = point.tensor, rounded;
    if (maker && wiring_.is_output(point.tensor)) {
      // The rounded values are the output, under its name.
      floats = free_name(point.tensor + "_float");
      rounded = point.tensor;
      const auto& made = nodes_[*maker].outputs;
      const auto at = std::find(made.begin(), made.end(), point.tensor) - made.begin();
      model_.set_output(*maker, static_cast<std::size_t>(at), floats);
    } else {
      rounded = free_name(point.tensor + "_dequantized");
    }
    std::vector<float> scales = {scale.scale};
    Shape shape;
    std::map<std::string, onnx::Attribute> attributes;
    if (!scale.channels.empty()) {
      scales = scale.channels;
      shape = {static_cast<std::int64_t>(scales.size())};
      attributes["axis"] = std::int64_t{1};
    }
    model_.add_constant(scale_name, shape, std::span<const float>(scales));
    if (options_.signed_tensors) {
      const std::vector<std::int8_t> zeros(scales.size(),
                                           static_cast<std::int8_t>(scale.zero_point - 128));
      model_.add_constant(zero_name, shape, std::span<const std::int8_t>(zeros));
    } else {
      const std::vector<std::uint8_t> zeros(scales.size(), scale.zero_point);
      model_.add_constant(zero_name, shape, std::span<const std::uint8_t>(zeros));
    }
    // Inputs are there from the beginning.
    const std::size_t place = maker ? *maker + 1 : 0;
    added_.emplace_back(
        place, Node{"QuantizeLinear", {floats, scale_name, zero_name}, {steps}, attributes, steps});
    added_.emplace_back(
        place,
        Node{"DequantizeLinear", {steps, scale_name, zero_name}, {rounded}, attributes, rounded});
    rounded_[point.tensor] = rounded;
  }

  std::string free_name(const std::string& wanted) {
    std::string name = wanted;
    for (int i = 2; !taken_.insert(name).second; ++i) name = wanted + "_" + std::to_string(i);
    return name;
  }

  onnx::Model& model_;
  const Plan& plan_;
  const std::vector<Scale>& scales_;
  const WriteOptions& options_;
  const onnx::Wiring wiring_;  // as it was
  const std::vector<Node>& nodes_;
  std::set<std::string> taken_;
  std::map<std::string, std::string> weights_, rounded_;  // of a tensor: its rounded self
  std::vector<std::pair<std::size_t, Node>> added_;       // each before the node of that place
};

}  // namespace

WeightSteps steps_of(std::span<const float> weights, const WeightedLayer& layer,
                     const WriteOptions& options) {
  if (options.rounded != nullptr) {
    const auto chosen = options.rounded->find(layer.weights);
    if (chosen != options.rounded->end()) return chosen->second;
  }
  return round_weights(weights, layer.shape, layer.channel_axis, options.weights);
}

const InputMeans* correcting_means(const std::map<std::string, InputMeans>& means,
                                   const WeightedLayer& layer) {
  const bool convolution = layer.op == "Conv" || layer.op == "ConvTranspose";
  const auto found = means.find(layer.input);
  return convolution && !layer.bias.empty() && found != means.end() ? &found->second : nullptr;
}

Status write_int8(onnx::Model& model, const Plan& plan, const std::vector<Scale>& scales,
                  const std::map<std::string, InputMeans>& means, const WriteOptions& options) {
  return Writer(model, plan, scales, options).run(means);
}

}  // namespace osprey::quantize
