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
                     [](const Member& each) { return each.sink->wants_pixels(); });
}

Status SinkSet::begin(const StreamInfo& stream) {
  for (const auto& each : sinks_) OSPREY_TRY(each.sink->begin(stream));
  return {};
}

Status SinkSet::write(const FrameResult& result) {
  for (auto& each : sinks_) {
    const auto began = clock_ ? clock_->now() : base::Instant();
    OSPREY_TRY(each.sink->write(result));
    if (!clock_) continue;
    const std::lock_guard lock(mutex_);
    each.time.spent += clock_->now() - began;
    ++each.time.calls;
  }
  return {};
}

Status SinkSet::finish() {
  Status first;
  for (const auto& each : sinks_) {
    Status status = each.sink->finish();
    if (first.ok()) first = std::move(status);
  }
  return first;
}

std::vector<std::string> SinkSet::outputs() const {
  std::vector<std::string> all;
  for (const auto& each : sinks_) std::ranges::copy(each.sink->outputs(), std::back_inserter(all));
  return all;
}

std::vector<std::string> SinkSet::notes() const {
  std::vector<std::string> all;
  for (const auto& each : sinks_) std::ranges::copy(each.sink->notes(), std::back_inserter(all));
  return all;
}

std::vector<SinkTime> SinkSet::times() const {
  const std::lock_guard lock(mutex_);
  std::vector<SinkTime> all;
  for (const auto& each : sinks_) all.push_back(each.time);
  return all;
}

}  // namespace osprey::sinks
