// SPDX-License-Identifier: Apache-2.0
// What a sink costs the thread that delivers.
#pragma once

#include <cstdint>
#include <string>

#include "core/time.hpp"

namespace osprey::sinks {

/// What a sink took so far.
struct SinkTime {
  std::string name;
  Duration spent{0};
  std::uint64_t calls = 0;
};

}  // namespace osprey::sinks
