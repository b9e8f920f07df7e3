// SPDX-License-Identifier: Apache-2.0
// An ONNX file as a .rknn file, by Rockchip's rknn-toolkit2 in a Python environment of its own.
#pragma once

#include <osprey/result.hpp>

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/agreement.hpp"

namespace osprey::engine {

struct RknnExportOptions {
  std::string model;  ///< ONNX, of fixed size; as `osprey quantize --target` writes it
  std::string platform = "rk3588";  ///< as the toolkit calls it
  std::string output;
  std::string toolkit;  ///< folder of the environment; "": default_toolkit()
  std::string data;     ///< pictures for the check (see PictureStream); "": made-up ones
  /// Asked now and then, with what is being done; false stops.
  std::function<bool(const std::string&)> progress;
};

struct RknnExport {
  /// Steps of the compiled network by operation, type and where they run: "ConvExSwish INT8 NPU".
  std::map<std::string, int> steps;
  int silus = 0;  ///< that could join a convolution
  std::vector<Agreement>
      agreement;                ///< OpenVINO's answers against those of the toolkit's simulator
  bool names_left_out = false;  ///< of classes: the file has no room for them
};

/// In the user's cache folder.
std::string default_toolkit();

/// Makes the environment. Errors: no python3 with venv, no network, no room (it takes 5.6 GB): the
/// end of what was said; kCancelled. Cost: minutes.
Status install_toolkit(const std::string& folder,
                       const std::function<bool(const std::string&)>& progress);

/// Writes options.output, whole or not at all. Errors: those of the model; there is no toolkit
/// (kNotFound), which tells how to get it; the toolkit refuses the model: the end of what it said;
/// kCancelled. Cost: some 20 s, and a second a picture.
Result<RknnExport> export_rknn(const RknnExportOptions& options);

/// What the environment's Python is given.
extern const std::string_view kExportScript;

}  // namespace osprey::engine
