// SPDX-License-Identifier: Apache-2.0
// Darknet detectors (.cfg and .weights: YOLOv2-like trunks with [yolo] heads, v3, v4) as ONNX.
#pragma once

#include <osprey/result.hpp>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "onnx/model.hpp"

namespace osprey::onnx {

struct DarknetImportOptions {
  /// Anchor indices that replace the `mask` of the n-th [yolo] section (from 0, in the file's
  /// order); as many as that mask has.
  std::map<int, std::vector<int>> masks;
  std::optional<int> width, height;  ///< input size in pixels instead of the cfg's, 1..16384
  int batch = 1;                     ///< pictures an inference takes, 1..1024
};

/// A file's content and what errors call it.
struct DarknetFile {
  std::string name;
  std::string_view bytes;
};

/// The model is of opset 13, with one input "images" [batch, 3, height, width] and one output for
/// each [yolo] section: its raw map [batch, A*(5+C), H, W], finest stride first ("yolo_<stride>",
/// with "_<n>" added should a stride come twice). Batch normalisation is folded into the
/// convolutions, with OpenCV's epsilon (1e-6 beside the variance). Metadata:
///   names         JSON list, one for each line of `names`; absent without a names file
///   osprey.head   {"kind":"anchor_grid","rule":"exp"|"square","scales":[{"output":name,
///                 "stride":pixels,"anchors":[[width,height],...],"scale_xy":number},...]}
///   osprey.input  {"order":"rgb","mean":[0,0,0],"std":[255,255,255],"pad":127,"align":"center"}
///
/// Sections: net, convolutional (leaky, linear, logistic, mish, relu, swish), maxpool, route,
/// shortcut, upsample, yolo, dropout. Errors name file and line: other sections, values out of
/// range or beyond what is supported, layers that do not fit each other; weights with fewer or more
/// numbers than the layers take, or such as give weights that are not finite; names that are not
/// as many as the classes. Cost: memory of twice the weights.
Result<Model> convert_darknet(const DarknetFile& cfg, const DarknetFile& weights,
                              const std::optional<DarknetFile>& names,
                              const DarknetImportOptions& options);

/// The same from files into a file, which appears whole or not at all. `names_path` may be empty.
Status import_darknet(const std::string& cfg_path, const std::string& weights_path,
                      const std::string& names_path, const std::string& output_path,
                      const DarknetImportOptions& options);

}  // namespace osprey::onnx
