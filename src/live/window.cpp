// SPDX-License-Identifier: Apache-2.0
#include "live/window.hpp"

#include <algorithm>
#include <utility>

#include "engine/slowest_sink.hpp"

namespace osprey::live {

void Window::add(base::Instant now, pipeline::Stats stats, std::vector<sinks::SinkTime> sinks) {
  samples_.push_back({now, std::move(stats), std::move(sinks)});
  while (samples_.size() > 2 && now - samples_[1].time >= kLength) samples_.pop_front();
}

double Window::seconds() const {
  if (samples_.size() < 2) return 0;
  return std::chrono::duration<double>(samples_.back().time - samples_.front().time).count();
}

pipeline::SlowestSink Window::slowest_sink() const {
  if (samples_.empty()) return {};
  return engine::slowest_of(samples_.front().sinks, samples_.back().sinks,
                            last().delivering - first().delivering);
}

double Window::results_fps(std::size_t stream) const {
  if (seconds() <= 0 || stream >= last().streams.size()) return 0;
  const auto now = last().streams[stream].delivered;
  const auto then = stream < first().streams.size() ? first().streams[stream].delivered : 0;
  // The index may have been another stream's.
  return now < then ? 0 : static_cast<double>(now - then) / seconds();
}

double Window::load(std::size_t lane) const {
  if (seconds() <= 0 || lane >= first().lanes.size()) return 0;
  const Duration busy = last().lanes[lane].busy - first().lanes[lane].busy;
  return std::clamp(std::chrono::duration<double>(busy).count() / seconds(), 0., 1.);
}

}  // namespace osprey::live
