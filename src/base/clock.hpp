// SPDX-License-Identifier: Apache-2.0
// Time, waiting and threads, so that threaded code runs on the machine's clock or on a simulated
// one.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

namespace osprey::base {

class Clock;

/// A point in a clock's time. A type of its own: the machine's time and a video's do not mix.
using Instant = std::chrono::time_point<Clock, std::chrono::nanoseconds>;

/// A condition variable over std::mutex. Spurious wake-ups happen, so wait in a loop. Hold no other
/// mutex while waiting. Threads: any.
class Condition {
 public:
  virtual ~Condition() = default;
  virtual void wait(std::unique_lock<std::mutex>& lock) = 0;
  /// False once `deadline` has passed.
  virtual bool wait_until(std::unique_lock<std::mutex>& lock, Instant deadline) = 0;
  virtual void notify_one() = 0;
  virtual void notify_all() = 0;
};

/// A running thread. Threads: one owner.
class Thread {
 public:
  /// Joins.
  virtual ~Thread() = default;
  /// Blocks until the body has returned. May be repeated.
  virtual void join() = 0;
};

/// Threads: any, but a clock outlives the conditions and threads it made.
class Clock {
 public:
  // What std::chrono::time_point asks of its clock.
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = Instant;
  static constexpr bool is_steady = true;

  virtual ~Clock() = default;
  virtual Instant now() const = 0;
  virtual void sleep_until(Instant time) = 0;
  void sleep_for(duration time) { sleep_until(now() + time); }
  virtual std::unique_ptr<Condition> make_condition() = 0;
  /// `name` is what debuggers and `top -H` show; Linux keeps its first 15 bytes. Throws
  /// std::system_error if the machine has no thread to give.
  virtual std::unique_ptr<Thread> start_thread(const std::string& name,
                                               std::function<void()> body) = 0;
};

/// std::chrono::steady_clock, std::condition_variable and std::thread.
class RealClock final : public Clock {
 public:
  Instant now() const override;
  void sleep_until(Instant time) override;
  std::unique_ptr<Condition> make_condition() override;
  std::unique_ptr<Thread> start_thread(const std::string& name,
                                       std::function<void()> body) override;
};

}  // namespace osprey::base
