// SPDX-License-Identifier: Apache-2.0
// Whether a run of several pictures gives each of them its own answer.
#pragma once

#include <osprey/result.hpp>

#include <cstddef>
#include <vector>

#include "runtime/backend.hpp"

namespace osprey::engine {

/// Runs a batch of one and the same picture, and gives those places of it, from 0, whose answers
/// are not those of place 0: NPU runtimes have been seen to compute some places wrong. Cost: one
/// run, in a lane of its own.
Result<std::vector<std::size_t>> places_that_differ(runtime::Session& session);

}  // namespace osprey::engine
