// SPDX-License-Identifier: Apache-2.0
#include "quantize/equalise.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>
#include <vector>

#include "base/try.hpp"
#include "quantize/layers.hpp"
#include "quantize/weights.hpp"

namespace osprey::quantize {

namespace {

/// A layer's weights by their place along one of its dimensions.
struct Weights {
  std::vector<float> values;
  ChannelOf channel_of;

  std::vector<double> largest() const {
    std::vector<double> sizes(channel_of.count, 0);
    for (std::size_t i = 0; i < values.size(); ++i) {
      auto& size = sizes[channel_of(i)];
      size = std::max(size, std::abs(static_cast<double>(values[i])));
    }
    return sizes;
  }
  void scale(const std::vector<double>& factors) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] = static_cast<float>(static_cast<double>(values[i]) * factors[channel_of(i)]);
    }
  }
};

Result<Weights> weights_of(const onnx::Model& model, const WeightedLayer& layer, std::size_t axis) {
  auto values = OSPREY_TRY(model.floats(layer.weights));
  return Weights{std::move(values), {layer.shape, axis}};
}

/// Plain or depthwise convolutions, whose weights nobody shares.
std::optional<WeightedLayer> fit_layer(const onnx::Wiring& wiring, std::size_t node) {
  auto layer = layer_of(wiring, node);
  if (!layer || layer->op != "Conv" || layer->shape.size() != 4) return std::nullopt;
  const bool one_to_one = is_depthwise(*layer) && layer->groups == layer->shape[0];
  if (layer->groups != 1 && !one_to_one) return std::nullopt;
  if (wiring.readers(layer->weights).size() != 1) return std::nullopt;
  if (!layer->bias.empty() && wiring.readers(layer->bias).size() != 1) return std::nullopt;
  return layer;
}

/// The convolution that alone reads what this one makes.
std::optional<WeightedLayer> next_layer(const onnx::Wiring& wiring, const WeightedLayer& layer) {
  static const std::set<std::string> kLetFactorsThrough = {"Relu", "LeakyRelu", "PRelu"};
  std::string tensor = layer.output;
  for (int steps = 0; steps < 3; ++steps) {
    const auto& readers = wiring.readers(tensor);
    if (readers.size() != 1 || readers[0].second != 0 || wiring.is_output(tensor)) break;
    if (auto next = fit_layer(wiring, readers[0].first)) return next;
    const auto& node = wiring.nodes()[readers[0].first];
    if (!kLetFactorsThrough.contains(node.op)) break;
    tensor = node.outputs.front();
  }
  return std::nullopt;
}

void put_back(onnx::Model& model, const WeightedLayer& layer, const Weights& weights) {
  const auto name = layer.weights + "_equalised";
  model.add_constant(name, layer.shape, std::span<const float>(weights.values));
  model.set_input(layer.node, 1, name);
}

}  // namespace

Result<int> equalise(onnx::Model& model) {
  int pairs = 0;
  const auto count = model.nodes().size();
  for (std::size_t i = 0; i < count; ++i) {
    const onnx::Wiring wiring(model);
    const auto first = fit_layer(wiring, i);
    if (!first) continue;
    const auto second = next_layer(wiring, *first);
    if (!second) continue;
    auto ours = OSPREY_TRY(weights_of(model, *first, 0));
    auto theirs = OSPREY_TRY(weights_of(model, *second, is_depthwise(*second) ? 0 : 1));
    if (ours.channel_of.count != theirs.channel_of.count) continue;
    const auto sizes = ours.largest(), next_sizes = theirs.largest();
    std::vector<double> up(sizes.size(), 1), down(sizes.size(), 1);
    for (std::size_t c = 0; c < up.size(); ++c) {
      if (sizes[c] > 0 && next_sizes[c] > 0) up[c] = std::sqrt(sizes[c] / next_sizes[c]);
      down[c] = 1 / up[c];
    }
    ours.scale(down);
    theirs.scale(up);
    if (!first->bias.empty()) {
      auto bias = OSPREY_TRY(model.floats(first->bias));
      for (std::size_t c = 0; c < bias.size(); ++c) bias[c] *= static_cast<float>(down[c]);
      const auto name = first->bias + "_equalised";
      model.add_constant(name, {static_cast<std::int64_t>(bias.size())},
                         std::span<const float>(bias));
      model.set_input(first->node, 2, name);
    }
    put_back(model, *first, ours);
    put_back(model, *second, theirs);
    model.remove_unused();
    ++pairs;
  }
  return pairs;
}

}  // namespace osprey::quantize
