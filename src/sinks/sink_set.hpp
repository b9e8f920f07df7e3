// SPDX-License-Identifier: Apache-2.0
// Several sinks that look like one.
#pragma once

#include <osprey/result.hpp>

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "sinks/sink.hpp"
#include "sinks/sink_time.hpp"

namespace osprey::sinks {

/// Hands every call to every sink, in the order they were added. write() and begin() stop at the
/// first failure; finish() finishes all of them and returns the first failure.
class SinkSet final : public Sink {
 public:
  SinkSet() = default;
  SinkSet(const SinkSet&) = delete;
  SinkSet& operator=(const SinkSet&) = delete;
  ~SinkSet() override;

  /// `name`: of the option that asks for it.
  void add(std::string name, std::unique_ptr<Sink> sink) {
    sinks_.push_back({std::move(sink), {std::move(name)}});
  }

  /// From now on times() says what write() takes. `clock` outlives the set.
  void measure(base::Clock& clock) { clock_ = &clock; }
  /// In the order they were added. Threads: any.
  std::vector<SinkTime> times() const;

  bool wants_pixels() const override;
  Status begin(const StreamInfo& stream) override;
  Status write(const FrameResult& result) override;
  Status finish() override;
  std::vector<std::string> outputs() const override;
  std::vector<std::string> notes() const override;

 private:
  struct Member {
    std::unique_ptr<Sink> sink;
    SinkTime time;
  };

  std::vector<Member> sinks_;
  base::Clock* clock_ = nullptr;
  mutable std::mutex mutex_;  // guards each time
};

}  // namespace osprey::sinks
