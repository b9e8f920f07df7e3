// SPDX-License-Identifier: Apache-2.0
#include "base/simulated_clock.hpp"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <map>
#include <random>
#include <thread>
#include <utility>
#include <vector>

namespace osprey::base {

/// Who runs, who could, who waits until when. All but `failed_` belongs to the baton's holder; the
/// hand-over orders the accesses.
class SimulatedClock::Baton {
 public:
  using TimerKey = std::pair<Instant, std::uint64_t>;

  struct Task {
    explicit Task(std::string task_name) : name(std::move(task_name)) {}

    std::string name;
    std::string waits_for;                  // for the deadlock's message
    std::vector<Task*>* waiters = nullptr;  // the condition's list it stands in
    std::optional<TimerKey> timer;
    bool timed_out = false;
    bool ended = false;
    std::vector<Task*> joiners;

    std::mutex mutex;
    std::condition_variable handed_over;
    bool handed = false;
  };

  explicit Baton(std::optional<std::uint64_t> seed) {
    if (seed) random_.emplace(*seed);
    tasks_.push_back(&main_);
  }

  Instant now() const { return now_; }
  Task& running() { return *running_; }
  bool failed() const { return failed_; }

  /// Stops the running thread until `wake` or `deadline`. False if it was the deadline.
  bool wait(std::string what, std::vector<Task*>* waiters, std::optional<Instant> deadline) {
    if (failed_) throw Deadlock(failure_);
    if (in_event_) throw std::logic_error("a simulated event must not wait");
    Task& self = *running_;
    self.waits_for = std::move(what);
    self.timed_out = false;
    self.waiters = waiters;
    if (waiters) waiters->push_back(&self);
    if (deadline) {
      self.timer = TimerKey{*deadline, ++timer_count_};
      timers_.emplace(*self.timer, Entry{&self, {}});
    }
    Task* next = choose_next();
    if (next != &self) {
      if (next) hand_over(*next);
      await_baton(self);
    }
    return !self.timed_out;
  }

  void wake(Task& task) {
    if (task.waiters) std::erase(*task.waiters, &task);
    task.waiters = nullptr;
    if (task.timer) timers_.erase(*task.timer);
    task.timer.reset();
    runnable_.push_back({&task, {}});
  }

  void wake_one(std::vector<Task*>& waiters) {
    if (!failed_ && !waiters.empty()) wake(*waiters[draw(waiters.size())]);
  }

  void wake_all(std::vector<Task*>& waiters) {
    while (!failed_ && !waiters.empty()) wake(*waiters.front());
  }

  void schedule(Instant time, std::function<void()> event) {
    if (failed_) return;
    timers_.emplace(TimerKey{time, ++timer_count_}, Entry{nullptr, std::move(event)});
  }

  void add(Task& task) {
    if (failed_) return give_baton(task);
    tasks_.push_back(&task);
    runnable_.push_back({&task, {}});
  }

  void remove(Task& task) {
    if (!failed_) std::erase(tasks_, &task);
  }

  /// The thread's first call: its turn to begin.
  void await_baton(Task& self) {
    std::unique_lock lock(self.mutex);
    self.handed_over.wait(lock, [&] { return self.handed; });
    self.handed = false;
    if (failed_) throw Deadlock(failure_);
  }

  /// The thread's last call.
  void end(Task& self) {
    if (failed_) return;
    self.ended = true;
    wake_all_joiners(self);
    if (Task* next = choose_next()) hand_over(*next);
  }

 private:
  struct Entry {
    Task* task;  // null: an event
    std::function<void()> event;
  };

  std::size_t draw(std::size_t count) {
    return random_ && count > 1 ? static_cast<std::size_t>((*random_)() % count) : 0;
  }

  void wake_all_joiners(Task& self) {
    for (Task* joiner : std::exchange(self.joiners, {})) wake(*joiner);
  }

  /// Runs events and moves time until a thread can run. Null: never; everybody has been told.
  Task* choose_next() {
    for (;;) {
      collect_due();
      if (runnable_.empty()) {
        if (timers_.empty()) return fail();
        now_ = std::max(now_, timers_.begin()->first.first);
        continue;
      }
      const auto place = runnable_.begin() + static_cast<std::ptrdiff_t>(draw(runnable_.size()));
      Entry entry = std::move(*place);
      runnable_.erase(place);
      if (entry.task) return entry.task;
      in_event_ = true;
      entry.event();
      in_event_ = false;
    }
  }

  void collect_due() {
    while (!timers_.empty() && timers_.begin()->first.first <= now_) {
      Entry entry = std::move(timers_.begin()->second);
      timers_.erase(timers_.begin());
      if (!entry.task) {
        runnable_.push_back(std::move(entry));
        continue;
      }
      entry.task->timer.reset();
      entry.task->timed_out = true;
      wake(*entry.task);
    }
  }

  void hand_over(Task& next) {
    running_ = &next;
    give_baton(next);
  }

  static void give_baton(Task& task) {
    // Notified under the mutex: the task may end, and its condition with it, as soon as it may run.
    std::lock_guard lock(task.mutex);
    task.handed = true;
    task.handed_over.notify_one();
  }

  Task* fail() {
    failure_ = "deadlock at " +
               std::to_string(std::chrono::duration<double>(now_.time_since_epoch()).count()) +
               " s of simulated time:";
    for (const Task* task : tasks_) {
      if (!task->ended) failure_ += " '" + task->name + "' waits for " + task->waits_for + ";";
    }
    failure_.pop_back();
    failed_ = true;
    // Whoever owns the threads comes last: it may destroy the others.
    for (auto task = tasks_.rbegin(); task != tasks_.rend(); ++task) give_baton(**task);
    return nullptr;
  }

  Instant now_{};
  std::optional<std::mt19937_64> random_;
  Task main_{"main"};
  Task* running_ = &main_;
  std::vector<Task*> tasks_;
  std::vector<Entry> runnable_;
  std::map<TimerKey, Entry> timers_;
  std::uint64_t timer_count_ = 0;
  bool in_event_ = false;
  std::string failure_;
  std::atomic<bool> failed_ = false;
};

class SimulatedClock::SimulatedCondition final : public Condition {
 public:
  explicit SimulatedCondition(Baton& baton) : baton_(baton) {}
  void wait(std::unique_lock<std::mutex>& lock) override { wait(lock, std::nullopt); }
  bool wait_until(std::unique_lock<std::mutex>& lock, Instant deadline) override {
    return wait(lock, deadline);
  }
  void notify_one() override { baton_.wake_one(waiters_); }
  void notify_all() override { baton_.wake_all(waiters_); }

 private:
  bool wait(std::unique_lock<std::mutex>& lock, std::optional<Instant> deadline) {
    lock.unlock();
    const bool notified = baton_.wait("a condition", &waiters_, deadline);
    if (!lock.try_lock()) throw std::logic_error("a thread waited while it held a second mutex");
    return notified;
  }

  Baton& baton_;
  std::vector<Baton::Task*> waiters_;
};

class SimulatedClock::SimulatedThread final : public Thread {
 public:
  SimulatedThread(Baton& baton, const std::string& name, std::function<void()> body)
      : baton_(baton), task_(name) {
    thread_ = std::thread([this, short_name = name.substr(0, 15), body = std::move(body)] {
      pthread_setname_np(pthread_self(), short_name.c_str());
      try {
        baton_.await_baton(task_);
        body();
        baton_.end(task_);
      } catch (const Deadlock&) {
        // The test's own thread reports it.
      }
    });
    baton_.add(task_);
  }

  ~SimulatedThread() override { SimulatedThread::join(); }

  void join() override {
    if (!thread_.joinable()) return;
    if (!baton_.failed() && !task_.ended) {
      task_.joiners.push_back(&baton_.running());
      baton_.wait("the end of '" + task_.name + "'", nullptr, std::nullopt);
    }
    thread_.join();
    baton_.remove(task_);
  }

 private:
  Baton& baton_;
  Baton::Task task_;
  std::thread thread_;
};

SimulatedClock::SimulatedClock(std::optional<std::uint64_t> seed)
    : baton_(std::make_unique<Baton>(seed)) {}

SimulatedClock::~SimulatedClock() = default;

Instant SimulatedClock::now() const {
  return baton_->now();
}

void SimulatedClock::sleep_until(Instant time) {
  baton_->wait("a time", nullptr, time);
}

std::unique_ptr<Condition> SimulatedClock::make_condition() {
  return std::make_unique<SimulatedCondition>(*baton_);
}

std::unique_ptr<Thread> SimulatedClock::start_thread(const std::string& name,
                                                     std::function<void()> body) {
  return std::make_unique<SimulatedThread>(*baton_, name, std::move(body));
}

void SimulatedClock::schedule(Instant time, std::function<void()> event) {
  baton_->schedule(time, std::move(event));
}

}  // namespace osprey::base
