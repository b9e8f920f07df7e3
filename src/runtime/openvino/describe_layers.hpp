// SPDX-License-Identifier: Apache-2.0
// The steps of a graph that take time on a machine that runs them one after the other.
#pragma once

#include <vector>

#include "model/description.hpp"

namespace ov {
class Model;
}

namespace osprey::runtime {

/// In an order in which they can run. What compilers make part of the step before is none: scales,
/// biases, quantisation, reshaping and simple activations; nor is what has an open size. Throws
/// what OpenVINO throws.
std::vector<model::Layer> layers_of(const ov::Model& graph);

}  // namespace osprey::runtime
