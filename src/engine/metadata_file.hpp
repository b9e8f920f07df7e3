// SPDX-License-Identifier: Apache-2.0
// The metadata.yaml that Ultralytics puts beside models whose format has no room for it.
#pragma once

#include <osprey/result.hpp>

#include "model/description.hpp"

namespace osprey::engine {

/// Adds the keys of metadata.yaml in the model's folder that the model itself does not have. No
/// such file: nothing happens. ONNX files carry their own and are left alone.
Status add_metadata_file(model::ModelDescription& description);

}  // namespace osprey::engine
