// SPDX-License-Identifier: Apache-2.0
// What is known of models whose format has no room for it.
#pragma once

#include <osprey/result.hpp>

#include <map>
#include <string>

#include "model/description.hpp"

namespace osprey::engine {

/// Adds the keys of an RKNN model's custom string, if that is a JSON object, and of the
/// metadata.yaml that Ultralytics puts into the model's folder; what the model has itself wins. No
/// such file: nothing happens. ONNX files carry their own and are left alone.
Status add_metadata_file(model::ModelDescription& description);

/// Metadata as an RKNN model's custom string, a JSON object; without "names", or empty, where there
/// is no room for them.
std::string custom_string(const std::map<std::string, std::string>& metadata);

}  // namespace osprey::engine
