// SPDX-License-Identifier: Apache-2.0
#include "sinks/courier.hpp"

#include <algorithm>
#include <mutex>
#include <optional>
#include <random>
#include <utility>

#include "base/try.hpp"

namespace osprey::sinks {

namespace {

constexpr std::chrono::seconds kBetweenKeeps{1};
constexpr std::chrono::minutes kLongestAskedPause{5};

class OrderedCourier final : public Courier {
 public:
  OrderedCourier(outbox::Outbox& outbox, std::shared_ptr<EventSender> sender,
                 CourierOptions options, base::Clock& clock)
      : outbox_(outbox),
        sender_(std::move(sender)),
        options_(std::move(options)),
        clock_(clock),
        changed_(clock.make_condition()),
        pause_(options_.first_pause) {}

  ~OrderedCourier() override { OrderedCourier::stop(); }

  void start() {
    thread_ = clock_.start_thread("send-" + name(), [this] { run(); });
    listening_ = outbox_.when_appended([this] {
      const std::lock_guard lock(mutex_);
      appended_ = true;
      changed_->notify_all();
    });
  }

  void stop() override {
    listening_.reset();
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      changed_->notify_all();
    }
    sender_->cancel();
    if (thread_) thread_->join();
  }

  CourierStatus status() const override {
    CourierStatus status;
    if (auto events = outbox_.status(name()); events.ok()) status.events = *events;
    const std::lock_guard lock(mutex_);
    status.connected = connected_;
    status.problem = problem_;
    return status;
  }

  bool wait_until_delivered(base::Instant deadline) override {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      lock.unlock();
      const auto events = outbox_.status(name());
      if (events.ok() && events->waiting == 0) return true;
      lock.lock();
      if (!changed_->wait_until(lock, std::min(deadline, clock_.now() + kBetweenKeeps)) &&
          clock_.now() >= deadline) {
        return false;
      }
    }
    return false;
  }

 private:
  const std::string& name() const { return options_.consumer.name; }

  void run() {
    while (!is_stopping()) {
      if (Status kept = sender_->keep(); !kept.ok()) {
        if (kept.error().code != ErrorCode::kCancelled) report(false, kept.error().message);
        wait_for_pause({});
        continue;
      }
      go_back_if_connected_anew();
      {
        const std::lock_guard lock(mutex_);
        appended_ = false;
      }
      auto events = outbox_.next(name(), sender_->window(), again_after_);
      if (!events.ok()) {
        report(true, events.error().message);
        wait_for_pause({});
      } else if (events->empty()) {
        again_after_.reset();
        report(!failing_, failing_ ? problem_ : "");
        wait_for_events();
      } else {
        send(*events);
      }
    }
  }

  void send(const std::vector<outbox::StoredEvent>& events) {
    const SendOutcome outcome = sender_->send(events);
    const std::size_t had = std::min(outcome.acknowledged, events.size());
    if (had > 0 && !note(events[had - 1].number, nullptr)) return;
    if (outcome.status.ok()) {
      failing_ = false;
      pause_ = options_.first_pause;
      report(true, "");
      return;
    }
    const Error& error = outcome.status.error();
    if (error.code == ErrorCode::kCancelled) return;
    const bool refused = error.code == ErrorCode::kInvalidArgument;
    const bool failing = error.code == ErrorCode::kInternal;
    failing_ = !refused;
    report(refused, error.message);
    if (had < events.size() && (refused || failing) && is_enough(events[had].number, refused)) {
      if (note(events[had].number, &error.message)) pause_ = options_.first_pause;
      return;
    }
    wait_for_pause(outcome.retry_after);
  }

  /// Tells the outbox, and those who wait. If it cannot be told, everything is sent again later.
  bool note(std::int64_t number, const std::string* refused) {
    const Status noted = refused == nullptr ? outbox_.delivered(name(), number)
                                            : outbox_.refused(name(), number, *refused);
    if (!noted.ok()) {
      report(true, noted.error().message);
      wait_for_pause({});
      return false;
    }
    if (again_after_) again_after_ = number;
    const std::lock_guard lock(mutex_);
    changed_->notify_all();
    return true;
  }

  /// Whether the peer has been asked often enough to take this event.
  bool is_enough(std::int64_t number, bool refused) {
    if (number != troubled_) {
      troubled_ = number;
      refusals_ = 0;
      failing_since_ = clock_.now();
    }
    if (refused) return ++refusals_ >= options_.refusals;
    return clock_.now() - failing_since_ >= options_.failing;
  }

  void go_back_if_connected_anew() {
    const auto connections = sender_->connections();
    if (connections == connections_) return;
    if (options_.resend > 0) {
      const auto place = outbox_.place(name());
      if (!place.ok()) return;  // later, when it can be told
      again_after_ = std::max<std::int64_t>(*place - options_.resend, 0);
    }
    connections_ = connections;
    pause_ = options_.first_pause;
  }

  void report(bool connected, const std::string& problem) {
    const std::lock_guard lock(mutex_);
    connected_ = connected;
    problem_ = problem;
  }

  bool is_stopping() const {
    const std::lock_guard lock(mutex_);
    return stopping_;
  }

  void wait_for_events() {
    std::unique_lock lock(mutex_);
    const auto until = clock_.now() + kBetweenKeeps;
    while (!stopping_ && !appended_ && clock_.now() < until) changed_->wait_until(lock, until);
  }

  void wait_for_pause(std::optional<std::chrono::seconds> asked) {
    std::uniform_real_distribution<double> about(0.8, 1.2);
    auto pause = std::chrono::duration_cast<base::Clock::duration>(pause_ * about(random_));
    if (asked)
      pause = std::max<base::Clock::duration>(
          pause, std::min<base::Clock::duration>(*asked, kLongestAskedPause));
    pause_ = std::min(2 * pause_, options_.longest_pause);
    std::unique_lock lock(mutex_);
    const auto until = clock_.now() + pause;
    while (!stopping_ && clock_.now() < until) changed_->wait_until(lock, until);
  }

  outbox::Outbox& outbox_;
  const std::shared_ptr<EventSender> sender_;
  const CourierOptions options_;
  base::Clock& clock_;

  mutable std::mutex mutex_;
  const std::unique_ptr<base::Condition> changed_;
  bool stopping_ = false, appended_ = false, connected_ = false;
  std::string problem_;

  // The thread's.
  base::Clock::duration pause_;
  std::minstd_rand random_{std::random_device{}()};
  std::uint64_t connections_ = 0;
  std::optional<std::int64_t> again_after_;  ///< events behind this number are sent again
  bool failing_ = false;                     ///< the last send() found no peer
  std::int64_t troubled_ = 0;                ///< the event that the peer would not have
  int refusals_ = 0;
  base::Instant failing_since_;

  std::unique_ptr<base::Thread> thread_;
  std::shared_ptr<void> listening_;
};

}  // namespace

Result<std::unique_ptr<Courier>> Courier::start(outbox::Outbox& outbox,
                                                std::shared_ptr<EventSender> sender,
                                                CourierOptions options, base::Clock& clock) {
  OSPREY_TRY(outbox.add_consumer(options.consumer));
  auto courier =
      std::make_unique<OrderedCourier>(outbox, std::move(sender), std::move(options), clock);
  courier->start();
  return std::unique_ptr<Courier>(std::move(courier));
}

}  // namespace osprey::sinks
