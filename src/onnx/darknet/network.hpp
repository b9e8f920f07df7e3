// SPDX-License-Identifier: Apache-2.0
// What a .cfg describes: layers with their sources and the sizes of their maps, all checked.
#pragma once

#include <osprey/result.hpp>

#include <array>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "onnx/darknet/cfg.hpp"
#include "onnx/darknet/import.hpp"

namespace osprey::onnx::darknet {

/// A feature map of one picture.
struct MapSize {
  int channels = 0, height = 0, width = 0;
  friend bool operator==(const MapSize&, const MapSize&) = default;
};

enum class Activation : std::uint8_t { kLeaky, kLinear, kLogistic, kMish, kRelu, kSwish };

struct Convolution {
  int filters = 1, group_channels = 1;  ///< channels each filter reads
  int groups = 1, size = 1, stride_x = 1, stride_y = 1, pad = 0;
  bool normalised = false;
  Activation activation = Activation::kLogistic;

  /// Numbers the layer takes from the .weights file.
  std::int64_t weights() const;
};

struct MaxPool {
  int size = 1, stride_x = 1, stride_y = 1;
  int pad_before = 0;  ///< at the top and left; what is missing at the end is padded there
};

/// The sources' channels one after the other; of each only one of `groups` equal parts. One whole
/// source: the same map again.
struct Route {
  int groups = 1, group = 0;
};

struct Shortcut {
  Activation activation = Activation::kLinear;
};

struct Upsample {
  int factor = 2;
};

struct Yolo {
  int classes = 0;
  int stride = 0;
  std::vector<std::array<double, 2>> anchors{};  ///< of this head; pixels
  double scale_xy = 1;
  bool square = false;  ///< new_coords: w = anchor * (2 sigmoid(t))^2
};

struct Layer {
  std::vector<int> sources;  ///< layers read, by index; -1: the network's input
  MapSize size;              ///< of what it gives
  std::variant<Convolution, MaxPool, Route, Shortcut, Upsample, Yolo> what;
  Section section;  ///< for errors
};

struct Network {
  MapSize input;
  std::vector<Layer> layers;
};

/// The options' ranges are checked too.
Result<Network> plan_network(const std::vector<Section>& sections, const std::string& cfg_name,
                             const DarknetImportOptions& options);

}  // namespace osprey::onnx::darknet
