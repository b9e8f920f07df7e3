// SPDX-License-Identifier: Apache-2.0
#include "sinks/sink_set.hpp"

#include <algorithm>

#include "base/try.hpp"

namespace osprey::sinks {

SinkSet::~SinkSet() {
  // The first to come may have made a folder that the later ones share: it must go last.
  while (!sinks_.empty()) sinks_.pop_back();
}

bool SinkSet::wants_pixels() const {
  return std::any_of(sinks_.begin(), sinks_.end(),
                     [](const auto& sink) { return sink->wants_pixels(); });
}

Status SinkSet::begin(const StreamInfo& stream) {
  for (const auto& sink : sinks_) OSPREY_TRY(sink->begin(stream));
  return {};
}

Status SinkSet::write(const FrameResult& result) {
  for (const auto& sink : sinks_) OSPREY_TRY(sink->write(result));
  return {};
}

Status SinkSet::finish() {
  Status first;
  for (const auto& sink : sinks_) {
    Status status = sink->finish();
    if (first.ok()) first = std::move(status);
  }
  return first;
}

std::vector<std::string> SinkSet::outputs() const {
  std::vector<std::string> all;
  for (const auto& sink : sinks_) std::ranges::copy(sink->outputs(), std::back_inserter(all));
  return all;
}

std::vector<std::string> SinkSet::notes() const {
  std::vector<std::string> all;
  for (const auto& sink : sinks_) std::ranges::copy(sink->notes(), std::back_inserter(all));
  return all;
}

}  // namespace osprey::sinks
