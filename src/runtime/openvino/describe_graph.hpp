// SPDX-License-Identifier: Apache-2.0
// What an OpenVINO graph says about the model it came from.
#pragma once

#include <string>

#include "model/description.hpp"

namespace ov {
class Model;
}

namespace osprey::runtime {

/// Tensors, metadata, parameter count, operations of one inference and number precision of `graph`,
/// which was read from `path`. Throws what OpenVINO throws.
model::ModelDescription describe_graph(const ov::Model& graph, const std::string& path,
                                       const std::string& format);

}  // namespace osprey::runtime
