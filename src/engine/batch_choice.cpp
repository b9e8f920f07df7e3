// SPDX-License-Identifier: Apache-2.0
#include "engine/batch_choice.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <vector>

#include "base/try.hpp"

namespace osprey::engine {

namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kTime = std::chrono::milliseconds(800);
constexpr int kLeastRuns = 4;  // a lane
constexpr double kGain = 1.03;

struct Speed {
  double rate = 0;      // pictures a second, of all lanes
  Duration latency{0};  // of an inference, the slowest but one in twenty
};

/// Keeps one slot of each lane running for a while.
class Trial {
 public:
  static Result<Speed> run(runtime::Session& session) {
    Trial trial;
    for (int i = 0; i < session.lanes(); ++i) {
      trial.lanes_.push_back({OSPREY_TRY(session.create_lane()), {}, 0});
    }
    OSPREY_TRY(trial.keep_busy());
    return trial.speed(session.batch());
  }

 private:
  struct Lane {
    std::unique_ptr<runtime::Lane> lane;
    Clock::time_point started;
    int runs = 0;
  };

  Status keep_busy() {
    running_ = lanes_.size();
    begun_ = Clock::now();
    for (auto& lane : lanes_) start(lane);
    std::unique_lock lock(mutex_);
    ended_.wait(lock, [&] { return running_ == 0; });
    return status_;
  }

  void start(Lane& lane) {
    lane.started = Clock::now();
    lane.lane->start(0, [this, &lane](Status status) { end(lane, std::move(status)); });
  }

  void end(Lane& lane, Status status) {
    {
      const std::lock_guard lock(mutex_);
      last_ = Clock::now();
      // The first run of a lane warms up what the others use.
      if (lane.runs++ > 0) latencies_.push_back(last_ - lane.started);
      const bool enough = lane.runs >= kLeastRuns && last_ - begun_ >= kTime;
      if (!status.ok()) status_ = std::move(status);
      if (enough || !status_.ok()) {
        --running_;
        ended_.notify_one();
        return;
      }
    }
    start(lane);
  }

  Speed speed(int batch) {
    std::sort(latencies_.begin(), latencies_.end());
    Speed speed;
    speed.latency = latencies_[latencies_.size() * 19 / 20];
    // By the median, which a disturbance does not move, and not by the count.
    const std::chrono::duration<double> median = latencies_[latencies_.size() / 2];
    speed.rate = static_cast<double>(lanes_.size()) * batch / median.count();
    return speed;
  }

  std::vector<Lane> lanes_;
  std::mutex mutex_;
  std::condition_variable ended_;
  std::size_t running_ = 0;
  Clock::time_point begun_, last_;
  std::vector<Duration> latencies_;
  Status status_;
};

std::string in_words(int batch, const Speed& speed) {
  char text[64];
  std::snprintf(text, sizeof text, "%d: %.1f a second in %.1f ms", batch, speed.rate,
                std::chrono::duration<double, std::milli>(speed.latency).count());
  return text;
}

}  // namespace

Result<BatchChoice> compile_fastest_batch(runtime::LoadedModel& model,
                                          const model::InputSpec& input,
                                          runtime::SessionOptions options, Duration max_latency) {
  std::unique_ptr<runtime::Session> single, fastest;
  Speed best;
  std::string measured;
  for (const int batch : {1, 2, 4, 8}) {
    options.batch = batch;
    auto session = model.compile(input, options);
    if (batch == 1 && !session) return std::move(session).error();
    if (!session) {
      measured += "; no more: " + session.error().message;
      break;
    }
    options.lanes = (*session)->lanes();  // for all alike
    const auto speed = OSPREY_TRY(Trial::run(**session));
    measured += (measured.empty() ? "" : "; ") + in_words(batch, speed);
    const bool holds = max_latency == Duration::zero() || speed.latency <= max_latency;
    if (batch == 1) {
      single = std::move(*session);
      best = speed;
    } else if (holds && speed.rate > kGain * best.rate) {
      fastest = std::move(*session);
      best = speed;
    }
  }
  BatchChoice choice;
  choice.session = std::move(single);
  // Once more: a disturbance of the first measurement must not slow the whole run.
  if (fastest && OSPREY_TRY(Trial::run(*fastest)).rate >
                     kGain * OSPREY_TRY(Trial::run(*choice.session)).rate) {
    choice.session = std::move(fastest);
  }
  choice.reason = std::to_string(choice.session->batch()) + ", as measured: " + measured;
  return choice;
}

}  // namespace osprey::engine
