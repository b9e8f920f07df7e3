// SPDX-License-Identifier: Apache-2.0
#include "onnx/darknet/network.hpp"

#include <map>
#include <utility>

#include "base/try.hpp"

namespace osprey::onnx::darknet {
namespace {

// Far beyond any real network; they keep every product of sizes within 64 bits.
constexpr int kMostInput = 16384;
constexpr int kMostMap = 65536;
constexpr int kMostChannels = 1 << 17;
constexpr int kMostKernel = 128;
constexpr int kMostBatch = 1024;
constexpr int kMostClasses = 65536;

std::string text_of(const MapSize& size) {
  return std::to_string(size.channels) + "x" + std::to_string(size.height) + "x" +
         std::to_string(size.width);
}

Error option_error(const std::string& option, int value, int highest) {
  return {ErrorCode::kInvalidArgument, option + ": " + std::to_string(value) +
                                           ": expected a whole number from 1 to " +
                                           std::to_string(highest)};
}

/// Keys that change what a layer computes and that nothing here can follow, unless 0.
Status refuse(const Section& section, const std::vector<std::string>& keys) {
  for (const auto& key : keys) {
    const std::string value = section.text(key, "0");
    if (value != "0" && value != "none") {
      return section.error(ErrorCode::kUnsupported, key + "=" + value + " cannot be imported", key);
    }
  }
  return {};
}

class Planner {
 public:
  Planner(const std::string& cfg_name, const DarknetImportOptions& options)
      : cfg_name_(cfg_name), options_(options) {}

  Result<Network> plan(const std::vector<Section>& sections) {
    network_.input = OSPREY_TRY(input(sections[0]));
    for (std::size_t i = 1; i < sections.size(); ++i) {
      Layer layer = OSPREY_TRY(this->layer(sections[i]));
      if (layer.size.channels > kMostChannels || layer.size.height > kMostMap ||
          layer.size.width > kMostMap) {
        return sections[i].error(ErrorCode::kUnsupported,
                                 "gives a map of " + text_of(layer.size) + ", which is too large");
      }
      network_.layers.push_back(std::move(layer));
    }
    if (heads_ == 0) {
      return Error{ErrorCode::kUnsupported,
                   cfg_name_ + ": has no [yolo] section; only detectors can be imported"};
    }
    for (const auto& [head, mask] : options_.masks) {
      if (head >= 0 && head < heads_) continue;
      return Error{ErrorCode::kInvalidArgument, "masks: no [yolo] section " + std::to_string(head) +
                                                    ", counted from 0, in " + cfg_name_ +
                                                    ": it has " + std::to_string(heads_)};
    }
    return std::move(network_);
  }

 private:
  Result<MapSize> input(const Section& net) const {
    if (options_.width && (*options_.width < 1 || *options_.width > kMostInput)) {
      return option_error("width", *options_.width, kMostInput);
    }
    if (options_.height && (*options_.height < 1 || *options_.height > kMostInput)) {
      return option_error("height", *options_.height, kMostInput);
    }
    if (options_.batch < 1 || options_.batch > kMostBatch) {
      return option_error("batch", options_.batch, kMostBatch);
    }
    for (const std::string key : {"width", "height"}) {
      if (!net.has(key)) return net.error(ErrorCode::kCorrupt, "has no " + key);
    }
    MapSize size;
    size.width = OSPREY_TRY(net.number("width", 0, 1, kMostInput));
    size.height = OSPREY_TRY(net.number("height", 0, 1, kMostInput));
    size.channels = OSPREY_TRY(net.number("channels", 3, 1, kMostChannels));
    if (size.channels != 3) {
      return net.error(
          ErrorCode::kUnsupported,
          "channels=" + std::to_string(size.channels) + ": expected 3, red, green, blue",
          "channels");
    }
    size.width = options_.width.value_or(size.width);
    size.height = options_.height.value_or(size.height);
    return size;
  }

  Result<Layer> layer(const Section& section) {
    if (section.kind() == "convolutional") return convolution(section);
    if (section.kind() == "maxpool") return max_pool(section);
    if (section.kind() == "route") return route(section);
    if (section.kind() == "shortcut") return shortcut(section);
    if (section.kind() == "upsample") return upsample(section);
    if (section.kind() == "yolo") return yolo(section);
    if (section.kind() == "dropout") {  // does nothing once trained
      const MapSize size = OSPREY_TRY(size_of(last(), section));
      return Layer{{last()}, size, Route{}, section};
    }
    return section.error(ErrorCode::kUnsupported,
                         "cannot be imported; known are net, convolutional, maxpool, route, "
                         "shortcut, upsample, yolo and dropout");
  }

  int last() const { return static_cast<int>(network_.layers.size()) - 1; }

  Result<MapSize> size_of(int source, const Section& reader) const {
    if (source < 0) return network_.input;
    const Layer& layer = network_.layers[static_cast<std::size_t>(source)];
    if (std::holds_alternative<Yolo>(layer.what)) {
      return reader.error(ErrorCode::kUnsupported, "reads layer " + std::to_string(source) +
                                                       ", a [yolo], which gives boxes, not a map");
    }
    if (source < last() && std::holds_alternative<Yolo>(layer_after(source).what) &&
        std::get<Yolo>(layer_after(source).what).square) {
      return reader.error(ErrorCode::kUnsupported,
                          "reads layer " + std::to_string(source) +
                              ", whose logistic activation is left to the decoder of its [yolo]");
    }
    return layer.size;
  }

  const Layer& layer_after(int index) const {
    return network_.layers[static_cast<std::size_t>(index) + 1];
  }

  /// Layers that a comma-separated list names: from 0, or backwards from this one.
  Result<std::vector<int>> layer_list(const Section& section, const std::string& key) const {
    std::vector<int> indices = OSPREY_TRY(section.numbers(key));
    if (indices.empty()) return section.error(ErrorCode::kCorrupt, "has no " + key);
    for (int& index : indices) {
      const int named = index;
      if (index < 0) index += last() + 1;
      if (index < 0 || index > last()) {
        return section.error(ErrorCode::kCorrupt,
                             key + ": no layer " + std::to_string(named) + " before this one (" +
                                 std::to_string(last() + 1) + " layers)",
                             key);
      }
    }
    return indices;
  }

  Result<Activation> activation(const Section& section, const std::string& otherwise) const {
    static const std::map<std::string, Activation> kKnown = {
        {"leaky", Activation::kLeaky},       {"linear", Activation::kLinear},
        {"logistic", Activation::kLogistic}, {"mish", Activation::kMish},
        {"relu", Activation::kRelu},         {"swish", Activation::kSwish}};
    const std::string name = section.text("activation", otherwise);
    const auto found = kKnown.find(name);
    if (found != kKnown.end()) return found->second;
    return section.error(
        ErrorCode::kUnsupported,
        "activation=" + name + ": expected leaky, linear, logistic, mish, relu or swish",
        "activation");
  }

  Result<Layer> convolution(const Section& section) const {
    OSPREY_TRY(
        refuse(section, {"antialiasing", "assisted_excitation", "binary", "deform", "reverse",
                         "rotate", "share_index", "stretch", "stretch_sway", "sway", "xnor"}));
    const MapSize in = OSPREY_TRY(size_of(last(), section));
    OSPREY_TRY(section.number("dilation", 1, 1, 1));
    Convolution conv;
    conv.filters = OSPREY_TRY(section.number("filters", 1, 1, kMostChannels));
    conv.size = OSPREY_TRY(section.number("size", 1, 1, kMostKernel));
    conv.groups = OSPREY_TRY(section.number("groups", 1, 1, kMostChannels));
    const int stride = OSPREY_TRY(section.number("stride", 1, 1, kMostKernel));
    conv.stride_x = OSPREY_TRY(section.number("stride_x", stride, 1, kMostKernel));
    conv.stride_y = OSPREY_TRY(section.number("stride_y", stride, 1, kMostKernel));
    conv.pad = OSPREY_TRY(section.number("padding", 0, 0, kMostKernel));
    if (OSPREY_TRY(section.number("pad", 0, 0, 1)) == 1) conv.pad = conv.size / 2;
    conv.normalised = OSPREY_TRY(section.number("batch_normalize", 0, 0, 1)) == 1;
    conv.activation = OSPREY_TRY(activation(section, "logistic"));
    if (in.channels % conv.groups != 0 || conv.filters % conv.groups != 0) {
      return section.error(ErrorCode::kCorrupt,
                           "groups=" + std::to_string(conv.groups) + ": expected a divisor of " +
                               std::to_string(in.channels) + " channels and of " +
                               std::to_string(conv.filters) + " filters",
                           "groups");
    }
    if (in.width + 2 * conv.pad < conv.size || in.height + 2 * conv.pad < conv.size) {
      return section.error(
          ErrorCode::kCorrupt,
          "size=" + std::to_string(conv.size) + " is larger than the map of " + text_of(in),
          "size");
    }
    conv.group_channels = in.channels / conv.groups;
    const MapSize out{conv.filters, (in.height + 2 * conv.pad - conv.size) / conv.stride_y + 1,
                      (in.width + 2 * conv.pad - conv.size) / conv.stride_x + 1};
    return Layer{{last()}, out, conv, section};
  }

  Result<Layer> max_pool(const Section& section) const {
    OSPREY_TRY(refuse(section, {"antialiasing", "maxpool_depth"}));
    const MapSize in = OSPREY_TRY(size_of(last(), section));
    MaxPool pool;
    const int stride = OSPREY_TRY(section.number("stride", 1, 1, kMostKernel));
    pool.stride_x = OSPREY_TRY(section.number("stride_x", stride, 1, kMostKernel));
    pool.stride_y = OSPREY_TRY(section.number("stride_y", stride, 1, kMostKernel));
    pool.size = OSPREY_TRY(section.number("size", stride, 1, kMostKernel));
    // Darknet's padding counts both sides; the smaller half lies before the map.
    const int padding = OSPREY_TRY(section.number("padding", pool.size - 1, 0, pool.size - 1));
    pool.pad_before = padding / 2;
    if (in.width + padding < pool.size || in.height + padding < pool.size) {
      return section.error(
          ErrorCode::kCorrupt,
          "size=" + std::to_string(pool.size) + " is larger than the map of " + text_of(in),
          "size");
    }
    const MapSize out{in.channels, (in.height + padding - pool.size) / pool.stride_y + 1,
                      (in.width + padding - pool.size) / pool.stride_x + 1};
    return Layer{{last()}, out, pool, section};
  }

  Result<Layer> route(const Section& section) const {
    const std::vector<int> sources = OSPREY_TRY(layer_list(section, "layers"));
    Route route;
    route.groups = OSPREY_TRY(section.number("groups", 1, 1, kMostChannels));
    route.group = OSPREY_TRY(section.number("group_id", 0, 0, route.groups - 1));
    const MapSize first = OSPREY_TRY(size_of(sources[0], section));
    MapSize out{0, first.height, first.width};
    for (const int source : sources) {
      const MapSize in = OSPREY_TRY(size_of(source, section));
      if (in.width != out.width || in.height != out.height) {
        return section.error(ErrorCode::kCorrupt,
                             "layers: the maps of layer " + std::to_string(sources[0]) + " (" +
                                 text_of(first) + ") and layer " + std::to_string(source) + " (" +
                                 text_of(in) + ") differ in size",
                             "layers");
      }
      if (in.channels % route.groups != 0) {
        return section.error(ErrorCode::kCorrupt,
                             "groups=" + std::to_string(route.groups) + ": expected a divisor of " +
                                 std::to_string(in.channels) + " channels",
                             "groups");
      }
      out.channels += in.channels / route.groups;
      if (out.channels > kMostChannels) break;  // plan() refuses it
    }
    return Layer{sources, out, route, section};
  }

  Result<Layer> shortcut(const Section& section) const {
    OSPREY_TRY(refuse(section, {"weights_type"}));
    std::vector<int> sources = OSPREY_TRY(layer_list(section, "from"));
    sources.insert(sources.begin(), last());
    const MapSize out = OSPREY_TRY(size_of(last(), section));
    for (const int source : sources) {
      const MapSize in = OSPREY_TRY(size_of(source, section));
      if (in != out) {
        return section.error(ErrorCode::kUnsupported,
                             "from: the map of layer " + std::to_string(source) + " is " +
                                 text_of(in) + ", expected " + text_of(out) +
                                 " as the layer before has",
                             "from");
      }
    }
    const Activation activation = OSPREY_TRY(this->activation(section, "linear"));
    return Layer{sources, out, Shortcut{activation}, section};
  }

  Result<Layer> upsample(const Section& section) const {
    OSPREY_TRY(refuse(section, {"reverse"}));
    const MapSize in = OSPREY_TRY(size_of(last(), section));
    const int factor = OSPREY_TRY(section.number("stride", 2, 1, kMostKernel));
    if (OSPREY_TRY(section.real("scale", 1)) != 1) {
      return section.error(ErrorCode::kUnsupported, "scale: only 1 can be imported", "scale");
    }
    return Layer{
        {last()}, {in.channels, in.height * factor, in.width * factor}, Upsample{factor}, section};
  }

  Result<Layer> yolo(const Section& section) {
    const MapSize in = OSPREY_TRY(size_of(last(), section));
    Yolo yolo;
    yolo.classes = OSPREY_TRY(section.number("classes", 20, 1, kMostClasses));
    yolo.anchors = OSPREY_TRY(anchors(section));
    yolo.scale_xy = OSPREY_TRY(section.real("scale_x_y", 1));
    const auto channels = static_cast<std::int64_t>(yolo.anchors.size()) * (5 + yolo.classes);
    if (channels != in.channels) {
      return section.error(ErrorCode::kCorrupt,
                           "expected a map of " + std::to_string(channels) + " channels (" +
                               std::to_string(yolo.anchors.size()) +
                               " anchors with 5 numbers and " + std::to_string(yolo.classes) +
                               " classes), the layer before gives " + std::to_string(in.channels));
    }
    yolo.stride = network_.input.width / in.width;
    if (yolo.stride * in.width != network_.input.width ||
        yolo.stride * in.height != network_.input.height) {
      return section.error(ErrorCode::kInvalidArgument,
                           "its map of " + text_of(in) + " does not divide the input of " +
                               text_of(network_.input) +
                               " evenly: width and height must be multiples of the stride");
    }
    if (OSPREY_TRY(section.number("new_coords", 0, 0, 1)) == 1) {
      OSPREY_TRY(leave_sigmoid_to_decoder(section, yolo.scale_xy));
      yolo.square = true;
    }
    if (heads_ == 0) {
      first_head_ = yolo;
    } else if (yolo.classes != first_head_.classes || yolo.square != first_head_.square) {
      return section.error(ErrorCode::kUnsupported,
                           "expected classes and new_coords as in the first [yolo]");
    }
    ++heads_;
    return Layer{{last()}, in, yolo, section};
  }

  /// new_coords means xy = s * sigmoid - (s - 1) / 2 and w = anchor * (2 sigmoid)^2 with the
  /// sigmoid done by the convolution before. That is the square rule exactly for s = 2, on the
  /// convolution's numbers before its activation.
  Status leave_sigmoid_to_decoder(const Section& section, double scale_xy) {
    auto* conv = last() < 0 ? nullptr : std::get_if<Convolution>(&network_.layers.back().what);
    if (scale_xy != 2 || !conv || conv->activation != Activation::kLogistic) {
      return section.error(ErrorCode::kUnsupported,
                           "new_coords=1 can be imported only with scale_x_y=2 after a "
                           "[convolutional] with activation=logistic",
                           "new_coords");
    }
    conv->activation = Activation::kLinear;
    return {};
  }

  Result<std::vector<std::array<double, 2>>> anchors(const Section& section) const {
    const std::vector<double> sizes = OSPREY_TRY(section.reals("anchors"));
    const int num = OSPREY_TRY(section.number("num", 1, 1, kMostChannels));
    if (sizes.size() != 2 * static_cast<std::size_t>(num)) {
      return section.error(ErrorCode::kCorrupt,
                           "anchors: expected " + std::to_string(2 * num) + " numbers for num=" +
                               std::to_string(num) + ", found " + std::to_string(sizes.size()),
                           "anchors");
    }
    std::vector<int> mask = OSPREY_TRY(section.numbers("mask"));
    if (mask.empty()) {
      for (int i = 0; i < num; ++i) mask.push_back(i);
    }
    const auto forced = options_.masks.find(heads_);
    if (forced != options_.masks.end()) {
      if (forced->second.size() != mask.size()) {
        return section.error(ErrorCode::kInvalidArgument,
                             "the mask given instead has " + std::to_string(forced->second.size()) +
                                 " anchors, expected " + std::to_string(mask.size()),
                             "mask");
      }
      mask = forced->second;
    }
    std::vector<std::array<double, 2>> chosen;
    for (const int index : mask) {
      if (index < 0 || index >= num) {
        return section.error(ErrorCode::kInvalidArgument,
                             "mask: no anchor " + std::to_string(index) + " among " +
                                 std::to_string(num) + ", counted from 0",
                             "mask");
      }
      const auto first = 2 * static_cast<std::size_t>(index);
      if (sizes[first] <= 0 || sizes[first + 1] <= 0) {
        return section.error(ErrorCode::kCorrupt, "anchors: expected sizes above 0", "anchors");
      }
      chosen.push_back({sizes[first], sizes[first + 1]});
    }
    return chosen;
  }

  const std::string& cfg_name_;
  const DarknetImportOptions& options_;
  Network network_;
  int heads_ = 0;    ///< [yolo] sections so far
  Yolo first_head_;  ///< meaningful with heads_ > 0
};

}  // namespace

std::int64_t Convolution::weights() const {
  return static_cast<std::int64_t>(filters) *
         ((normalised ? 4 : 1) + static_cast<std::int64_t>(group_channels) * size * size);
}

Result<Network> plan_network(const std::vector<Section>& sections, const std::string& cfg_name,
                             const DarknetImportOptions& options) {
  return Planner(cfg_name, options).plan(sections);
}

}  // namespace osprey::onnx::darknet
