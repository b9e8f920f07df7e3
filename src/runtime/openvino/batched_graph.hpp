// SPDX-License-Identifier: Apache-2.0
// A graph made for one picture, taught to take several.
#pragma once

#include <cstddef>

namespace ov {
class Model;
}

namespace osprey::runtime {

/// `graph` has one input, of static shape, for one picture. Afterwards it takes `batch` of them,
/// and each output has theirs one after another. Exports fix the batch inside as well, in the
/// shapes that their Reshapes ask for: those on the way from the input are changed with it. Throws
/// std::runtime_error, or what OpenVINO throws, if the graph cannot be batched: an output's first
/// dimension is not the batch then, or depends on the data.
void make_batched(ov::Model& graph, std::size_t batch);

}  // namespace osprey::runtime
