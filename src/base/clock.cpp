// SPDX-License-Identifier: Apache-2.0
#include "base/clock.hpp"

#include <pthread.h>

#include <condition_variable>
#include <thread>
#include <utility>

namespace osprey::base {
namespace {

std::chrono::steady_clock::time_point to_steady(Instant time) {
  return std::chrono::steady_clock::time_point(
      std::chrono::duration_cast<std::chrono::steady_clock::duration>(time.time_since_epoch()));
}

class RealCondition final : public Condition {
 public:
  void wait(std::unique_lock<std::mutex>& lock) override { condition_.wait(lock); }
  bool wait_until(std::unique_lock<std::mutex>& lock, Instant deadline) override {
    return condition_.wait_until(lock, to_steady(deadline)) == std::cv_status::no_timeout;
  }
  void notify_one() override { condition_.notify_one(); }
  void notify_all() override { condition_.notify_all(); }

 private:
  std::condition_variable condition_;
};

class RealThread final : public Thread {
 public:
  RealThread(const std::string& name, std::function<void()> body)
      : thread_([short_name = name.substr(0, 15), body = std::move(body)] {
          pthread_setname_np(pthread_self(), short_name.c_str());
          body();
        }) {}
  ~RealThread() override { RealThread::join(); }
  void join() override {
    if (thread_.joinable()) thread_.join();
  }

 private:
  std::thread thread_;
};

}  // namespace

Instant RealClock::now() const {
  return Instant(std::chrono::steady_clock::now().time_since_epoch());
}

void RealClock::sleep_until(Instant time) {
  std::this_thread::sleep_until(to_steady(time));
}

std::unique_ptr<Condition> RealClock::make_condition() {
  return std::make_unique<RealCondition>();
}

std::unique_ptr<Thread> RealClock::start_thread(const std::string& name,
                                                std::function<void()> body) {
  return std::make_unique<RealThread>(name, std::move(body));
}

}  // namespace osprey::base
