// SPDX-License-Identifier: Apache-2.0
// A lane outside of a pipeline: one run, and its end.
#pragma once

#include <future>
#include <utility>

#include "runtime/backend.hpp"

namespace osprey::engine {

/// Runs the lane's first slot.
inline Status run_once(runtime::Lane& lane) {
  std::promise<Status> ended;
  lane.start(0, [&ended](Status status) { ended.set_value(std::move(status)); });
  return ended.get_future().get();
}

}  // namespace osprey::engine
