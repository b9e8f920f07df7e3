// SPDX-License-Identifier: Apache-2.0
// A clock for tests: real threads, one running at a time, in simulated time and a repeatable order.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include "base/clock.hpp"

namespace osprey::base {

/// Nobody could run and nobody waited for a time. Says who waited for what.
class Deadlock : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Exactly one of the threads it knows (the one that made it, and those it started) holds the baton
/// and runs. Waiting, sleeping, joining and ending pass the baton on; when nobody can run, time
/// jumps to the earliest deadline, so a run takes no wall time. Code between two waits is never
/// interrupted: have test doubles call sleep_for(0s), which lets others run, where orders matter.
///
/// If all wait for ever, every waiting call throws Deadlock: threads it started end quietly, the
/// test's own thread gets the exception. After that the clock is of no more use.
///
/// Threads: only those it knows.
class SimulatedClock final : public Clock {
 public:
  /// Time starts at 0. Whoever can run goes on in order of arrival or, with a seed, in an order
  /// that is drawn from it.
  explicit SimulatedClock(std::optional<std::uint64_t> seed = std::nullopt);
  ~SimulatedClock() override;

  Instant now() const override;
  void sleep_until(Instant time) override;
  std::unique_ptr<Condition> make_condition() override;
  std::unique_ptr<Thread> start_thread(const std::string& name,
                                       std::function<void()> body) override;

  /// Calls `event` at `time`, as another thread would: it may lock and notify, but not wait.
  void schedule(Instant time, std::function<void()> event);

 private:
  class Baton;
  class SimulatedCondition;
  class SimulatedThread;
  std::unique_ptr<Baton> baton_;
};

}  // namespace osprey::base
