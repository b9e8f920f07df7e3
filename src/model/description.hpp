// SPDX-License-Identifier: Apache-2.0
// What a runtime can say about a loaded model: its tensors, metadata and cost.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/tensor.hpp"

namespace osprey::model {

/// A step of the network that takes time: what it multiplies and what it moves. Counts are of
/// values, for one inference.
struct Layer {
  enum class Kind : std::uint8_t {
    kConvolution,  ///< also in groups of several channels, and products of matrices
    kDepthwise,    ///< a convolution of each channel by itself
    kSilu,   ///< x * sigmoid(x) right after a convolution, which compilers may make part of it
    kOther,  ///< moves or changes values one by one
  };
  Kind kind = Kind::kOther;
  double positions = 0;  ///< where weights are applied: output places x kernel places x groups
  double channels_in = 0, channels_out = 0;  ///< of a group
  double weights = 0;
  double values_in = 0, values_out = 0;
};

struct ModelDescription {
  std::string path;
  std::vector<TensorInfo> inputs;   ///< as the file declares them, before any pre-processing
  std::vector<TensorInfo> outputs;  ///< in the file's order
  /// The file's own key/value pairs (ONNX metadata_props, IR rt_info). Keys Osprey reads:
  ///   names          class names: Ultralytics' "{0: 'person', 1: 'bicycle'}", or a JSON list
  ///   task           Ultralytics' task; anything but "detect" is refused with its name
  ///   osprey.head    JSON, see model/head.hpp; written by `osprey import`
  ///   osprey.input   JSON, see model/input_spec.hpp; written by `osprey import`
  ///   custom_string  what the maker of an RKNN model put there: if it is JSON, more of these keys
  std::map<std::string, std::string> metadata;
  std::string format;           ///< "ONNX", "OpenVINO IR", "TFLite"
  std::string precision;        ///< "FP32", "FP16", "INT8"
  std::int64_t parameters = 0;  ///< weights, count
  double gflops = 0;  ///< floating point operations of one inference, in 1e9; 2 a multiply-add
  std::vector<Layer> layers;  ///< none where the runtime does not show them, or sizes are open
};

}  // namespace osprey::model
