// SPDX-License-Identifier: Apache-2.0
// The pipeline on real threads and the real clock: small, for the thread sanitizer's eyes.
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "pipeline/pipeline.hpp"

namespace osprey::pipeline {
namespace {

struct TestFrame final : FramePayload {
  explicit TestFrame(std::atomic<int>& count) : live(count) { ++live; }
  ~TestFrame() override { --live; }
  std::atomic<int>& live;
  int sum = 0;  // written by collect, read by deliver
};

struct TestJob final : JobPayload {
  int prepared = 0, result = 0;
};

/// Gives `frames` frames, then ends, or blocks until it is cancelled.
class TestSource final : public Source {
 public:
  TestSource(std::uint64_t frames, bool endless, std::atomic<int>& live)
      : frames_(frames), endless_(endless), live_(live) {}

  Result<std::optional<Captured>> read() override {
    std::unique_lock lock(mutex_);
    if (given_ == frames_ && endless_) cancelled_.wait(lock, [this] { return cancel_; });
    if (cancel_ || given_ == frames_) return std::optional<Captured>();
    ++given_;
    Captured captured;
    captured.payload = std::make_unique<TestFrame>(live_);
    return std::optional<Captured>(std::move(captured));
  }

  void cancel() override {
    std::lock_guard lock(mutex_);
    cancel_ = true;
    cancelled_.notify_all();
  }

 private:
  const std::uint64_t frames_;
  const bool endless_;
  std::atomic<int>& live_;
  std::mutex mutex_;
  std::condition_variable cancelled_;
  std::uint64_t given_ = 0;
  bool cancel_ = false;
};

/// Runs on a thread of its own, as an asynchronous runtime does.
class AsyncRunner final : public LaneRunner {
 public:
  explicit AsyncRunner(base::Clock& clock) {
    thread_ = clock.start_thread("runtime", [this] { serve(); });
  }
  ~AsyncRunner() override {
    {
      std::lock_guard lock(mutex_);
      end_ = true;
      wakes_.notify_one();
    }
    thread_->join();
  }

  Status prepare(LanePlace place, JobPayload& job) override {
    inputs_[place.slot] = payload_cast<TestJob>(job).prepared = 7;
    return {};
  }
  void start(std::size_t slot, std::size_t, Completion done) override {
    std::lock_guard lock(mutex_);
    started_.emplace_back(slot, std::move(done));
    wakes_.notify_one();
  }
  Status finish(LanePlace place, JobPayload& job) override {
    payload_cast<TestJob>(job).result = outputs_[place.slot];
    return {};
  }

 private:
  void serve() {
    std::unique_lock lock(mutex_);
    for (;;) {
      wakes_.wait(lock, [this] { return end_ || !started_.empty(); });
      if (started_.empty()) return;
      auto [slot, done] = std::move(started_.front());
      started_.pop_front();
      lock.unlock();
      outputs_[slot] = inputs_[slot] * 2;  // unguarded: the pipeline's hand-over must order it
      done({});
      lock.lock();
    }
  }

  std::array<int, kSlots> inputs_{}, outputs_{};
  std::mutex mutex_;
  std::condition_variable wakes_;
  std::deque<std::pair<std::size_t, Completion>> started_;
  bool end_ = false;
  std::unique_ptr<base::Thread> thread_;
};

/// Calls back within start(), as a blocking runtime behind the interface does.
class BlockingRunner final : public LaneRunner {
 public:
  Status prepare(LanePlace, JobPayload&) override { return {}; }
  void start(std::size_t, std::size_t, Completion done) override { done({}); }
  Status finish(LanePlace, JobPayload& job) override {
    payload_cast<TestJob>(job).result = 14;
    return {};
  }
};

class TestStages final : public Stages {
 public:
  explicit TestStages(std::size_t jobs) : jobs_(jobs) {}

  Result<JobPayloads> plan(FrameId, FramePayload&) override {
    JobPayloads jobs;
    for (std::size_t i = 0; i < jobs_; ++i) jobs.push_back(std::make_unique<TestJob>());
    return jobs;
  }

  Result<JobPayloads> collect(FrameId, FramePayload& frame, std::span<Job> jobs) override {
    for (Job& job : jobs)
      payload_cast<TestFrame>(frame).sum += payload_cast<TestJob>(*job.payload).result;
    return JobPayloads();
  }

  Status deliver(Delivery delivery) override {
    std::lock_guard lock(mutex_);
    if (delivery.id.sequence < next_[delivery.id.stream]) in_order_ = false;
    next_[delivery.id.stream] = delivery.id.sequence + 1;
    right_ &= payload_cast<TestFrame>(*delivery.payload).sum == static_cast<int>(14 * jobs_);
    ++delivered_;
    progress_.notify_all();
    return {};
  }

  void ended(std::uint32_t stream) override {
    std::lock_guard lock(mutex_);
    next_.erase(stream);
    ++ends_;
    progress_.notify_all();
  }

  std::uint64_t delivered() {
    std::lock_guard lock(mutex_);
    return delivered_;
  }

  std::uint64_t ends() {
    std::lock_guard lock(mutex_);
    return ends_;
  }

  /// Of one more stream than so far.
  void wait_for_end() {
    std::unique_lock lock(mutex_);
    progress_.wait(lock, [this] { return ends_ > ends_waited_for_; });
    ends_waited_for_ = ends_;
  }

  void wait_for(std::uint64_t delivered) {
    std::unique_lock lock(mutex_);
    progress_.wait(lock, [&] { return delivered_ >= delivered; });
  }

  bool in_order_and_right() {
    std::lock_guard lock(mutex_);
    return in_order_ && right_;
  }

 private:
  const std::size_t jobs_;
  std::mutex mutex_;
  std::condition_variable progress_;
  std::map<std::uint32_t, std::uint64_t> next_;
  std::uint64_t delivered_ = 0, ends_ = 0, ends_waited_for_ = 0;
  bool in_order_ = true, right_ = true;
};

struct Running {
  base::RealClock clock;
  std::atomic<int> live = 0;
  TestStages stages;
  std::unique_ptr<Pipeline> pipeline;

  Running(std::size_t jobs, std::vector<StreamOptions> options, std::uint64_t frames,
          bool endless = false)
      : stages(jobs) {
    std::vector<Stream> streams;
    for (const StreamOptions& each : options) {
      streams.push_back({std::make_unique<TestSource>(frames, endless, live), each});
    }
    Lanes lanes;
    lanes.runners.push_back(std::make_unique<AsyncRunner>(clock));
    lanes.runners.push_back(std::make_unique<AsyncRunner>(clock));
    lanes.runners.push_back(std::make_unique<BlockingRunner>());
    pipeline = *Pipeline::start(std::move(streams), std::move(lanes), stages, clock);
  }
};

TEST(PipelineOnRealThreads, delivers_all_in_order_while_others_look) {
  Running running(2, {{}, {Admission::kWait, 3}}, 1500);
  std::atomic<bool> over = false;
  bool balanced = true;
  auto observer = running.clock.start_thread("observer", [&] {
    do {
      for (const StreamStats& stream : running.pipeline->snapshot().streams) {
        balanced &= stream.balanced();
      }
    } while (!over);
  });
  EXPECT_TRUE(running.pipeline->wait().ok());
  over = true;
  observer->join();
  EXPECT_TRUE(balanced);
  EXPECT_TRUE(running.stages.in_order_and_right());
  for (const StreamStats& stream : running.pipeline->snapshot().streams) {
    EXPECT_EQ(stream.delivered, 1500u);
  }
  EXPECT_EQ(running.live, 0);
}

TEST(PipelineOnRealThreads, drops_balance_the_ledger) {
  Running running(1, {{Admission::kDropOldest, 2}, {Admission::kDropNewest, 2}}, 3000);
  EXPECT_TRUE(running.pipeline->wait().ok());
  for (const StreamStats& stream : running.pipeline->snapshot().streams) {
    EXPECT_EQ(stream.captured, 3000u);
    EXPECT_EQ(stream.delivered + stream.dropped(), 3000u);
  }
  EXPECT_TRUE(running.stages.in_order_and_right());
  EXPECT_EQ(running.live, 0);
}

TEST(PipelineOnRealThreads, stops_in_the_middle) {
  for (std::uint64_t moment = 0; moment < 40; ++moment) {
    Running running(3, {{}, {Admission::kDropOldest, 4}}, 1'000'000);
    running.stages.wait_for(moment * 5);
    running.pipeline->stop_now();
    EXPECT_EQ(running.pipeline->wait().error().code, ErrorCode::kCancelled);
    for (const StreamStats& stream : running.pipeline->snapshot().streams) {
      EXPECT_TRUE(stream.balanced());
      EXPECT_EQ(stream.in_flight, 0u);
    }
    EXPECT_EQ(running.live, 0);
  }
}

TEST(PipelineOnRealThreads, an_interrupt_wakes_a_blocked_source_and_drains) {
  Running running(2, {{}, {}}, 20, true);
  running.stages.wait_for(40);
  running.pipeline->interrupt();
  EXPECT_EQ(running.pipeline->wait().error().code, ErrorCode::kCancelled);
  for (const StreamStats& stream : running.pipeline->snapshot().streams) {
    EXPECT_EQ(stream.delivered, 20u);
  }
}

TEST(PipelineOnRealThreads, streams_come_and_go_while_another_is_served) {
  Running running(2, {{Admission::kWait, 4}}, 1'000'000);
  std::atomic<bool> over = false;
  bool balanced = true;
  auto observer = running.clock.start_thread("observer", [&] {
    do {
      for (const StreamStats& stream : running.pipeline->snapshot().streams) {
        balanced &= stream.balanced();
      }
    } while (!over);
  });
  for (std::uint64_t i = 0; i < 100; ++i) {
    const bool endless = i % 3 == 0;
    const auto admission = static_cast<Admission>(i % 3);
    const auto index = running.pipeline->add(
        {std::make_unique<TestSource>(i % 40, endless, running.live), {admission, 1 + i % 5}});
    ASSERT_TRUE(index.ok());
    if (i % 4 == 0) running.stages.wait_for(running.stages.delivered() + i % 7);
    ASSERT_TRUE(running.pipeline->end(*index).ok());
    if (i % 2 == 0) running.stages.wait_for_end();
  }
  running.pipeline->interrupt();
  EXPECT_EQ(running.pipeline->wait().error().code, ErrorCode::kCancelled);
  over = true;
  observer->join();
  EXPECT_TRUE(balanced);
  const Stats stats = running.pipeline->snapshot();
  EXPECT_GT(stats.past.streams, 40u);
  EXPECT_EQ(stats.past.streams + stats.streams.size(), 101u);
  EXPECT_EQ(running.stages.ends(), 101u);
  EXPECT_TRUE(running.stages.in_order_and_right());
  EXPECT_EQ(running.live, 0);
}

TEST(PipelineOnRealThreads, can_be_destroyed_while_running) {
  Running running(2, {{}}, 1'000'000);
  running.stages.wait_for(10);
  running.pipeline.reset();
  EXPECT_EQ(running.live, 0);
}

}  // namespace
}  // namespace osprey::pipeline
