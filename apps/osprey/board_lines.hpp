// SPDX-License-Identifier: Apache-2.0
// What a machine's meters showed during a run, in words.
#pragma once

#include <string>

#include "board/sampler.hpp"

namespace osprey::cli {

/// The NPU's load, clock and temperature, and what slowed it down with the way to mend that. Empty
/// where there is nothing to tell.
std::string board_lines(const board::Observed& seen);

}  // namespace osprey::cli
