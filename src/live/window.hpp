// SPDX-License-Identifier: Apache-2.0
// What a pipeline did in the last seconds.
#pragma once

#include <cstddef>
#include <deque>
#include <vector>

#include "base/clock.hpp"
#include "pipeline/diagnosis.hpp"
#include "pipeline/stats.hpp"
#include "sinks/sink_time.hpp"

namespace osprey::live {

/// The last seconds of a pipeline's statistics. Threads: one.
class Window {
 public:
  static constexpr Duration kLength = std::chrono::seconds(5);

  void add(base::Instant now, pipeline::Stats stats, std::vector<sinks::SinkTime> sinks);
  /// Another pipeline.
  void clear() { samples_.clear(); }

  bool empty() const { return samples_.empty(); }
  const pipeline::Stats& first() const { return samples_.front().stats; }
  const pipeline::Stats& last() const { return samples_.back().stats; }
  double seconds() const;

  /// The sink that delivering waited for, if it did for one.
  pipeline::SlowestSink slowest_sink() const;
  /// Frames delivered a second.
  double results_fps(std::size_t stream) const;
  /// Share of the time that a lane was busy, 0..1.
  double load(std::size_t lane) const;

 private:
  struct Sample {
    base::Instant time;
    pipeline::Stats stats;
    std::vector<sinks::SinkTime> sinks;
  };
  std::deque<Sample> samples_;
};

}  // namespace osprey::live
