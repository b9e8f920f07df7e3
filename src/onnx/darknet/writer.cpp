// SPDX-License-Identifier: Apache-2.0
#include "onnx/darknet/writer.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "base/try.hpp"

namespace osprey::onnx::darknet {
namespace {

using Ints = std::vector<std::int64_t>;

constexpr const char* kInput = "images";
constexpr float kLeakySlope = 0.1f;

class Writer {
 public:
  Writer(const Network& network, WeightsReader& weights, Model& model)
      : network_(network), weights_(weights), model_(model) {
    for (std::size_t i = 0; i < network.layers.size(); ++i) {
      names_.push_back("layer_" + std::to_string(i));
    }
  }

  /// Gives the maps that [yolo] sections read the names of outputs. Comes before write().
  Result<std::vector<Head>> name_heads() {
    std::vector<std::pair<Head, int>> heads;  // with the layer that makes the map
    for (const auto& layer : network_.layers) {
      const auto* yolo = std::get_if<Yolo>(&layer.what);
      if (!yolo) continue;
      const int maker = this->maker(layer.sources[0]);
      if (std::ranges::any_of(heads, [&](const auto& other) { return other.second == maker; })) {
        return layer.section.error(ErrorCode::kUnsupported, "reads the same map as another [yolo]");
      }
      heads.push_back({Head{"", layer.size, *yolo}, maker});
    }
    std::ranges::stable_sort(heads, {}, [](const auto& head) { return head.first.yolo.stride; });

    std::vector<Head> named;
    std::set<std::string> taken;
    for (auto& [head, maker] : heads) {
      const std::string base = "yolo_" + std::to_string(head.yolo.stride);
      head.output = base;
      for (int n = 2; !taken.insert(head.output).second; ++n) {
        head.output = base + "_" + std::to_string(n);
      }
      names_[static_cast<std::size_t>(maker)] = head.output;
      named.push_back(std::move(head));
    }
    return named;
  }

  Status write() {
    for (std::size_t i = 0; i < network_.layers.size(); ++i) {
      const Layer& layer = network_.layers[i];
      const std::string& name = names_[i];
      if (const auto* conv = std::get_if<Convolution>(&layer.what)) {
        OSPREY_TRY(add_convolution(*conv, layer, name));
      } else if (const auto* pool = std::get_if<MaxPool>(&layer.what)) {
        add_max_pool(*pool, layer, name);
      } else if (const auto* route = std::get_if<Route>(&layer.what)) {
        add_route(*route, layer, name);
      } else if (const auto* shortcut = std::get_if<Shortcut>(&layer.what)) {
        add_shortcut(*shortcut, layer, name);
      } else if (const auto* upsample = std::get_if<Upsample>(&layer.what)) {
        add_upsample(*upsample, layer, name);
      }
    }
    return {};
  }

 private:
  static bool hands_on_its_source(const Layer& layer) {
    const auto* route = std::get_if<Route>(&layer.what);
    return route && route->groups == 1 && layer.sources.size() == 1;
  }

  /// The layer whose node makes the map that layer `index` gives; -1: the network's input.
  int maker(int index) const {
    while (index >= 0 && hands_on_its_source(network_.layers[static_cast<std::size_t>(index)])) {
      index = network_.layers[static_cast<std::size_t>(index)].sources[0];
    }
    return index;
  }

  std::string map_of(int index) const {
    const int from = maker(index);
    return from < 0 ? kInput : names_[static_cast<std::size_t>(from)];
  }

  int channels_of(int index) const {
    return index < 0 ? network_.input.channels
                     : network_.layers[static_cast<std::size_t>(index)].size.channels;
  }

  void add(const std::string& op, std::vector<std::string> inputs, const std::string& output,
           std::map<std::string, Attribute> attributes = {}) {
    model_.add_node({op, std::move(inputs), {output}, std::move(attributes), output});
  }

  /// Calls `make` for the node that gives the map before `activation`, then adds the activation.
  template <typename Make>
  void add_activated(Activation activation, const std::string& name, Make make) {
    const std::string sum = activation == Activation::kLinear ? name : name + "_linear";
    make(sum);
    switch (activation) {
      case Activation::kLinear:
        return;
      case Activation::kLeaky:
        return add("LeakyRelu", {sum}, name, {{"alpha", kLeakySlope}});
      case Activation::kLogistic:
        return add("Sigmoid", {sum}, name);
      case Activation::kRelu:
        return add("Relu", {sum}, name);
      case Activation::kSwish:
        add("Sigmoid", {sum}, name + "_sigmoid");
        return add("Mul", {sum, name + "_sigmoid"}, name);
      case Activation::kMish:
        add("Softplus", {sum}, name + "_softplus");
        add("Tanh", {name + "_softplus"}, name + "_tanh");
        return add("Mul", {sum, name + "_tanh"}, name);
    }
  }

  Status add_convolution(const Convolution& conv, const Layer& layer, const std::string& name) {
    const FoldedConvolution folded = OSPREY_TRY(weights_.next(layer));
    model_.add_constant(name + "_weight", {conv.filters, conv.group_channels, conv.size, conv.size},
                        folded.kernel);
    model_.add_constant(name + "_bias", {conv.filters}, folded.bias);
    add_activated(conv.activation, name, [&](const std::string& sum) {
      add("Conv", {map_of(layer.sources[0]), name + "_weight", name + "_bias"}, sum,
          {{"group", std::int64_t{conv.groups}},
           {"kernel_shape", Ints{conv.size, conv.size}},
           {"pads", Ints{conv.pad, conv.pad, conv.pad, conv.pad}},
           {"strides", Ints{conv.stride_y, conv.stride_x}}});
    });
    return {};
  }

  void add_max_pool(const MaxPool& pool, const Layer& layer, const std::string& name) {
    const int source = layer.sources[0];
    const MapSize in =
        source < 0 ? network_.input : network_.layers[static_cast<std::size_t>(source)].size;
    const auto missing = [&](int out, int stride, int size) {
      return std::max(0, (out - 1) * stride + pool.size - pool.pad_before - size);
    };
    add("MaxPool", {map_of(source)}, name,
        {{"kernel_shape", Ints{pool.size, pool.size}},
         {"pads", Ints{pool.pad_before, pool.pad_before,
                       missing(layer.size.height, pool.stride_y, in.height),
                       missing(layer.size.width, pool.stride_x, in.width)}},
         {"strides", Ints{pool.stride_y, pool.stride_x}}});
  }

  void add_route(const Route& route, const Layer& layer, const std::string& name) {
    if (hands_on_its_source(layer)) return;
    std::vector<std::string> parts;
    for (const int source : layer.sources) {
      parts.push_back(map_of(source));
      if (route.groups == 1) continue;
      const std::string part =
          layer.sources.size() == 1 ? name : name + "_part_" + std::to_string(parts.size());
      const std::int64_t channels = channels_of(source) / route.groups;
      model_.add_constant(part + "_start", {1}, Ints{channels * route.group});
      model_.add_constant(part + "_end", {1}, Ints{channels * (route.group + 1)});
      model_.add_constant(part + "_axis", {1}, Ints{1});
      add("Slice", {parts.back(), part + "_start", part + "_end", part + "_axis"}, part);
      parts.back() = part;
    }
    if (parts.size() > 1) add("Concat", parts, name, {{"axis", std::int64_t{1}}});
  }

  void add_shortcut(const Shortcut& shortcut, const Layer& layer, const std::string& name) {
    add_activated(shortcut.activation, name, [&](const std::string& sum) {
      std::string so_far = map_of(layer.sources[0]);
      for (std::size_t i = 1; i < layer.sources.size(); ++i) {
        const bool is_last = i + 1 == layer.sources.size();
        const std::string next = is_last ? sum : name + "_sum_" + std::to_string(i);
        add("Add", {so_far, map_of(layer.sources[i])}, next);
        so_far = next;
      }
    });
  }

  void add_upsample(const Upsample& upsample, const Layer& layer, const std::string& name) {
    const auto factor = static_cast<float>(upsample.factor);
    model_.add_constant(name + "_scales", {4}, std::vector<float>{1, 1, factor, factor});
    add("Resize", {map_of(layer.sources[0]), "", name + "_scales"}, name,
        {{"mode", "nearest"},
         {"coordinate_transformation_mode", "asymmetric"},
         {"nearest_mode", "floor"}});
  }

  const Network& network_;
  WeightsReader& weights_;
  Model& model_;
  std::vector<std::string> names_;  ///< of each layer's map
};

}  // namespace

Result<std::vector<Head>> write_network(const Network& network, int batch, WeightsReader& weights,
                                        Model& model) {
  Writer writer(network, weights, model);
  std::vector<Head> heads = OSPREY_TRY(writer.name_heads());
  model.add_input(
      {kInput, {batch, network.input.channels, network.input.height, network.input.width}});
  for (const auto& head : heads) {
    model.add_output({head.output, {batch, head.size.channels, head.size.height, head.size.width}});
  }
  OSPREY_TRY(writer.write());
  return heads;
}

}  // namespace osprey::onnx::darknet
