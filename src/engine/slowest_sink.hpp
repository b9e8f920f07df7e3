// SPDX-License-Identifier: Apache-2.0
// Which sink costs the most, as diagnoses take it.
#pragma once

#include <span>

#include "pipeline/diagnosis.hpp"
#include "sinks/sink_time.hpp"

namespace osprey::engine {

/// Of the time between two looks, `before` the earlier one (empty: since the beginning), in which
/// the thread that delivers was busy for `delivering`. Nameless if no sink took half of that.
inline pipeline::SlowestSink slowest_of(std::span<const sinks::SinkTime> before,
                                        std::span<const sinks::SinkTime> now, Duration delivering) {
  pipeline::SlowestSink slowest;
  Duration most = delivering / 2;
  for (const auto& is : now) {
    sinks::SinkTime was;
    for (const auto& one : before) {
      if (one.name == is.name && one.calls <= is.calls) was = one;
    }
    const Duration spent = is.spent - was.spent;
    if (is.calls == was.calls || spent <= most) continue;
    most = spent;
    slowest.name = is.name;
    slowest.seconds =
        std::chrono::duration<double>(spent).count() / static_cast<double>(is.calls - was.calls);
  }
  return slowest;
}

}  // namespace osprey::engine
