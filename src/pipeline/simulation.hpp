// SPDX-License-Identifier: Apache-2.0
// Sources, lanes and stages for the pipeline's tests: every cost and failure is an option, and
// every promise of pipeline.hpp that they can see broken is noted.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "base/simulated_clock.hpp"
#include "pipeline/pipeline.hpp"

namespace osprey::pipeline::simulation {

using namespace std::chrono_literals;
using base::Instant;
using base::SimulatedClock;

/// Between `least` and `least + spread`, uniformly.
struct Cost {
  Duration least{0};
  Duration spread{0};
};

/// What a lane's own fault looks like.
enum class Fault : std::uint8_t {
  kNone,
  kFails,      ///< at the end of the run
  kHangs,      ///< for good
  kComesLate,  ///< 10 s after it was given up
};

struct StreamScenario {
  std::uint64_t frames = 100;
  Cost read;
  StreamOptions options;
  std::optional<std::uint64_t> fails_at;  ///< read() gives an error in place of this frame
  bool endless = false;                   ///< after its frames read() blocks until it is cancelled
  std::function<Instant(std::uint64_t)>
      comes_at;  ///< when there is an n-th frame; in place of read
};

struct Scenario {
  std::vector<StreamScenario> streams{StreamScenario{}};
  Until until = Until::kStreamsEnd;
  std::size_t lanes = 1;
  std::size_t least_jobs = 1, most_jobs = 1;  ///< a round
  int rounds = 1;                             ///< a frame
  std::uint32_t kinds = 1;  ///< of jobs: in turn within a round, or the round's if there are more
  std::size_t batch = 1;    ///< jobs a run
  Duration batch_wait{0};
  Cost plan, prepare, run, finish, collect, deliver;
  Duration hand_in{0}, fetch{0};  ///< before and after a run's cost; the lane may compute meanwhile
  std::vector<Cost> run_by_kind;  ///< in place of run, if not empty
  std::function<bool(std::uint64_t job)> prepare_fails, run_fails,
      finish_fails;                                                 ///< n-th of a lane
  std::function<Fault(std::size_t lane, std::uint64_t run)> fault;  ///< n-th run of a lane
  std::function<bool(std::size_t lane, std::uint64_t call)> mend_fails;
  Duration run_timeout{0};
  std::function<bool(FrameId)> plan_fails, collect_fails;
  std::function<bool(std::uint64_t delivery)> deliver_fails;  ///< n-th of all
  std::function<void(std::uint32_t stream)> on_ended;         ///< within Stages::ended
  std::uint64_t snapshot_every = 1;  ///< the ledger is checked at every so many calls
};

/// What came of a run.
struct Outcome {
  Status status;
  Stats stats;
  struct Delivered {
    FrameId id;
    std::string error;  ///< empty: none
    Instant time;
    std::size_t life;  ///< which stream of all there were: an index may have several in turn
  };
  std::vector<Delivered> delivered;
  std::vector<std::pair<FrameId, DropReason>> dropped;
  std::vector<FrameId> started;         ///< the frame of each job, in the order lanes took them
  std::vector<std::size_t> batches;     ///< the jobs of each run
  std::vector<std::int64_t> most_live;  ///< frames' payloads alive at once, by life
};

/// One pipeline with its doubles, on a simulated clock. Used by the clock's threads only, so it
/// needs no locks: the baton is one.
class Simulation {
 public:
  explicit Simulation(Scenario scenario, std::optional<std::uint64_t> seed = std::nullopt)
      : scenario_(std::move(scenario)), clock_(seed), random_(seed.value_or(0)), stages_(*this) {
    std::vector<Stream> streams;
    for (const StreamScenario& each : scenario_.streams) {
      streams.push_back(begin_life(each));
      give_index(static_cast<std::uint32_t>(streams.size() - 1));
    }
    Lanes lanes;
    for (std::size_t i = 0; i < scenario_.lanes; ++i) {
      lanes.runners.push_back(std::make_unique<SimulatedRunner>(*this, i));
    }
    lanes.batch_wait = scenario_.batch_wait;
    lanes.most_batch = scenario_.batch;
    lanes.run_timeout = scenario_.run_timeout;
    auto pipeline =
        Pipeline::start(std::move(streams), std::move(lanes), stages_, clock_, scenario_.until);
    if (!pipeline.ok()) throw std::runtime_error(pipeline.error().message);
    pipeline_ = std::move(*pipeline);
  }

  SimulatedClock& clock() { return clock_; }
  Pipeline& pipeline() { return *pipeline_; }
  const Outcome& so_far() const { return outcome_; }

  Result<std::uint32_t> add(const StreamScenario& stream) {
    auto index = pipeline_->add(begin_life(stream));
    if (index.ok()) {
      give_index(*index);
    } else {
      lives_.pop_back();
    }
    return index;
  }
  std::uint64_t draw(std::uint64_t below) { return random_() % below; }

  /// Waits for the end, checks every promise, and tells what happened.
  Outcome finish() {
    outcome_.status = pipeline_->wait();
    outcome_.stats = pipeline_->snapshot();
    pipeline_.reset();
    check_fates();
    for (const Life& life : lives_) {
      if (life.live != 0) note("payloads of stream " + std::to_string(life.number) + " are left");
      outcome_.most_live.push_back(life.most_live);
    }
    if (live_jobs_ != 0) note("jobs' payloads are left");
    for (const std::string& broken : broken_) ADD_FAILURE() << broken;
    return std::move(outcome_);
  }

 private:
  /// A stream from its source's begin to its end, and what became of its frames.
  struct Life {
    StreamScenario scenario;
    std::size_t number;
    std::uint32_t index = 0;
    bool has_source = true;
    std::int64_t live = 0, most_live = 0;  // payloads
    std::set<std::uint64_t> seen;          // delivered or dropped
    std::uint64_t next = 0;                // that may be delivered
    std::uint64_t delivered = 0, dropped = 0;
    bool over = false;
  };

  struct TestFrame final : FramePayload {
    TestFrame(Simulation& owner, Life& of, std::uint64_t sequence)
        : simulation(owner), life(of), id{of.index, sequence} {
      life.most_live = std::max(life.most_live, ++life.live);
    }
    ~TestFrame() override {
      if (jobs_alive != 0) simulation.note("a frame's payload died before its jobs'");
      --life.live;
    }
    Simulation& simulation;
    Life& life;
    FrameId id;
    std::size_t jobs_planned = 0;  // of the round
    std::int64_t jobs_alive = 0;
    int collected = 0;
  };

  struct TestJob final : JobPayload {
    TestJob(TestFrame& owner, std::size_t place, std::uint32_t job_kind)
        : JobPayload(job_kind), frame(owner), index(place) {
      ++frame.jobs_alive;
      ++frame.simulation.live_jobs_;
    }
    ~TestJob() override {
      --frame.jobs_alive;
      --frame.simulation.live_jobs_;
    }
    TestFrame& frame;
    std::size_t index;
    bool finished = false;
  };

  class SimulatedSource final : public Source {
   public:
    SimulatedSource(Simulation& simulation, Life& life)
        : simulation_(simulation),
          life_(life),
          scenario_(life.scenario),
          cancelled_(simulation.clock_.make_condition()) {}

    ~SimulatedSource() override { life_.has_source = false; }

    Result<std::optional<Captured>> read() override {
      const Instant there = scenario_.comes_at
                                ? scenario_.comes_at(next_)
                                : simulation_.clock_.now() + simulation_.draw_cost(scenario_.read);
      const bool blocks = scenario_.endless && next_ == scenario_.frames;
      simulation_.clock_.sleep_for(0s);
      std::unique_lock lock(mutex_);
      while (!cancel_ && (blocks || simulation_.clock_.now() < there)) {
        blocks ? cancelled_->wait(lock) : static_cast<void>(cancelled_->wait_until(lock, there));
      }
      if (cancel_ || next_ == scenario_.frames) return std::optional<Captured>();
      if (next_ == scenario_.fails_at) return Error{ErrorCode::kCorrupt, "source failed"};
      Captured captured;
      captured.payload = std::make_unique<TestFrame>(simulation_, life_, next_++);
      return std::optional<Captured>(std::move(captured));
    }

    void cancel() override {
      std::unique_lock lock(mutex_);
      cancel_ = true;
      cancelled_->notify_all();
    }

   private:
    Simulation& simulation_;
    Life& life_;
    const StreamScenario& scenario_;
    std::uint64_t next_ = 0;
    std::mutex mutex_;
    std::unique_ptr<base::Condition> cancelled_;
    bool cancel_ = false;
  };

  /// A runtime that runs one slot at a time, the other queued behind it.
  class SimulatedRunner final : public LaneRunner {
   public:
    SimulatedRunner(Simulation& simulation, std::size_t lane)
        : simulation_(simulation), lane_(lane) {}

    ~SimulatedRunner() override { *alive_ = *exists_ = false; }

    std::size_t batch(std::uint32_t) const override { return simulation_.scenario_.batch; }

    Status prepare(LanePlace place, JobPayload& job) override {
      const auto [slot, item] = place;
      expect(slot, item == 0 ? State::kFree : State::kPrepared, "prepare");
      if (item != jobs_[slot].size()) simulation_.note("an item of a batch was left out");
      if (item >= simulation_.scenario_.batch) simulation_.note("a batch is too large");
      if (item > 0 && jobs_[slot].back()->kind != job.kind) simulation_.note("kinds were mixed");
      simulation_.outcome_.started.push_back(payload_cast<TestJob>(job).frame.id);
      const bool fails = asks(simulation_.scenario_.prepare_fails, prepared_++);
      spend(simulation_.scenario_.prepare);
      if (fails) return Error{ErrorCode::kInternal, "prepare failed"};
      states_[slot] = State::kPrepared;
      kinds_[slot] = job.kind;
      jobs_[slot].push_back(&job);
      return {};
    }

    void start(std::size_t slot, std::size_t items, Completion done) override {
      expect(slot, State::kPrepared, "start");
      if (items != jobs_[slot].size()) simulation_.note("a batch was started with a wrong size");
      simulation_.outcome_.batches.push_back(items);
      const auto& scenario = simulation_.scenario_;
      const auto fault = scenario.fault ? scenario.fault(lane_, started_) : Fault::kNone;
      const bool fails = asks(scenario.run_fails, started_++);
      states_[slot] = State::kRunning;
      if (fault != Fault::kNone) return break_down(slot, fault, std::move(done));
      if (fails) jobs_[slot].clear();
      for (const auto* job : jobs_[slot]) unfinished_.push_back(job);
      auto end = [this, slot, fails, alive = alive_, done = std::move(done)] {
        if (!*alive) return;
        states_[slot] = fails ? State::kFree : State::kDone;
        done(fails ? Status(Error{ErrorCode::kInternal, "run failed"}) : Status());
      };
      const auto& by_kind = simulation_.scenario_.run_by_kind;
      const Duration cost = simulation_.draw_cost(by_kind.empty() ? simulation_.scenario_.run
                                                                  : by_kind[kinds_[slot]]);
      if (hangs_) return;
      free_at_ = std::max(free_at_, simulation_.clock_.now() + scenario.hand_in) + cost;
      const Instant told = free_at_ + scenario.fetch;
      // A run that takes no time is a runtime that calls back within start().
      const bool at_once = told == simulation_.clock_.now();
      at_once ? end() : simulation_.clock_.schedule(told, std::move(end));
    }

    Duration overhead() const override {
      return simulation_.scenario_.hand_in + simulation_.scenario_.fetch;
    }

    Status mend() override {
      spend({});
      const auto& fails = simulation_.scenario_.mend_fails;
      if (fails && fails(lane_, mended_++)) return Error{ErrorCode::kUnavailable, "still broken"};
      *std::exchange(alive_, std::make_shared<bool>(true)) = false;
      states_ = {};
      for (auto& jobs : jobs_) jobs.clear();
      unfinished_.clear();
      free_at_ = simulation_.clock_.now();
      hangs_ = false;
      return {};
    }

    Status finish(LanePlace place, JobPayload& job) override {
      const auto [slot, item] = place;
      expect(slot, State::kDone, "finish");
      if (jobs_[slot][item] != &job) simulation_.note("jobs of a batch were mixed up");
      if (unfinished_.front() != &job) simulation_.note("a younger job was finished first");
      unfinished_.pop_front();
      const bool fails = asks(simulation_.scenario_.finish_fails, finished_++);
      spend(simulation_.scenario_.finish);
      if (item + 1 == jobs_[slot].size()) {
        states_[slot] = State::kFree;
        jobs_[slot].clear();
      }
      if (fails) return Error{ErrorCode::kInternal, "finish failed"};
      payload_cast<TestJob>(job).finished = true;
      return {};
    }

   private:
    enum class State { kFree, kPrepared, kRunning, kDone, kBroken };

    void break_down(std::size_t slot, Fault fault, Completion done) {
      jobs_[slot].clear();
      hangs_ = hangs_ || fault != Fault::kFails;
      const auto& scenario = simulation_.scenario_;
      if (fault == Fault::kFails) {
        const auto end = [this, slot, alive = alive_, done = std::move(done)] {
          if (!*alive) return;
          states_[slot] = State::kBroken;
          done(Error{ErrorCode::kUnavailable, "lane failed"});
        };
        simulation_.clock_.schedule(simulation_.clock_.now() + scenario.run.least, end);
      } else if (fault == Fault::kComesLate) {
        // Not even the pipeline's end may find it calling: the runner is gone by then.
        const auto end = [alive = exists_, done = std::move(done)] {
          if (*alive) done({});
        };
        simulation_.clock_.schedule(simulation_.clock_.now() + scenario.run_timeout + 10s, end);
      }
    }

    static bool asks(const std::function<bool(std::uint64_t)>& fails, std::uint64_t count) {
      return fails && fails(count);
    }

    void expect(std::size_t slot, State state, const std::string& call) {
      if (states_[slot] != state) simulation_.note(call + " in the wrong state of a slot");
      if (inside_) simulation_.note(call + " while another call of the lane was not over");
    }

    void spend(const Cost& cost) {
      inside_ = true;
      simulation_.spend(cost);
      inside_ = false;
    }

    Simulation& simulation_;
    std::size_t lane_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // until it is mended
    std::shared_ptr<bool> exists_ = std::make_shared<bool>(true);
    bool hangs_ = false;
    std::uint64_t mended_ = 0;
    std::array<State, kSlots> states_{};
    std::array<std::vector<const JobPayload*>, kSlots> jobs_;
    std::array<std::uint32_t, kSlots> kinds_{};
    std::deque<const JobPayload*> unfinished_;  // in the order of their starts
    bool inside_ = false;
    Instant free_at_{};
    std::uint64_t prepared_ = 0, started_ = 0, finished_ = 0;
  };

  class SimulatedStages final : public Stages {
   public:
    explicit SimulatedStages(Simulation& simulation) : simulation_(simulation) {}

    Result<JobPayloads> plan(FrameId id, FramePayload& payload) override {
      auto& frame = payload_cast<TestFrame>(payload);
      const Scenario& scenario = simulation_.scenario_;
      if (id != frame.id) simulation_.note("a frame was given a wrong id");
      simulation_.spend(scenario.plan);
      if (scenario.plan_fails && scenario.plan_fails(id)) {
        return Error{ErrorCode::kInternal, "plan failed"};
      }
      return round(frame);
    }

    Result<JobPayloads> collect(FrameId id, FramePayload& payload, std::span<Job> jobs) override {
      auto& frame = payload_cast<TestFrame>(payload);
      const Scenario& scenario = simulation_.scenario_;
      simulation_.spend(scenario.collect);
      if (++frame.collected > scenario.rounds) simulation_.note("a frame was collected too often");
      if (jobs.size() != frame.jobs_planned) simulation_.note("a frame was collected too early");
      for (std::size_t i = 0; i < jobs.size(); ++i) {
        const auto& job = payload_cast<TestJob>(*jobs[i].payload);
        if (job.index != i || &job.frame != &frame) simulation_.note("jobs were mixed up");
        if (job.finished != jobs[i].status.ok()) simulation_.note("a job has a wrong status");
      }
      if (scenario.collect_fails && scenario.collect_fails(id)) {
        return Error{ErrorCode::kInternal, "collect failed"};
      }
      return frame.collected < scenario.rounds ? round(frame) : JobPayloads();
    }

    Status deliver(Delivery delivery) override {
      if (inside_deliver_) simulation_.note("deliver was called while it ran");
      inside_deliver_ = true;
      simulation_.spend(simulation_.scenario_.deliver);
      inside_deliver_ = false;
      auto& frame = payload_cast<TestFrame>(*delivery.payload);
      if (frame.id != delivery.id) simulation_.note("a delivery has another frame's payload");
      if (delivery.status.ok() && frame.collected != simulation_.scenario_.rounds) {
        simulation_.note("a frame was delivered that was not collected");
      }
      const auto& fails = simulation_.scenario_.deliver_fails;
      if (fails && fails(deliveries_++)) return Error{ErrorCode::kIo, "disk full"};
      Life& life = simulation_.life_of(delivery.id);
      if (&life != &frame.life) simulation_.note("a frame outlived its stream");
      if (delivery.id.sequence < life.next) simulation_.note("delivered out of order");
      life.next = delivery.id.sequence + 1;
      ++life.delivered;
      simulation_.outcome_.delivered.push_back(
          {delivery.id, delivery.status.ok() ? "" : delivery.status.error().message,
           simulation_.clock_.now(), life.number});
      return {};
    }

    void dropped(FrameId id, DropReason reason) override {
      ++simulation_.life_of(id).dropped;
      simulation_.outcome_.dropped.emplace_back(id, reason);
      try {
        simulation_.spend({});
      } catch (const base::Deadlock&) {
        // Whoever waits for the pipeline has it too; this may be the pipeline's destructor.
      }
    }

    void ended(std::uint32_t stream) override {
      Life& life = simulation_.lives_[simulation_.life_at_[stream]];
      if (life.over) simulation_.note("a stream was told to be over twice");
      life.over = true;
      if (life.has_source) simulation_.note("a stream is over whose source is still there");
      if (simulation_.pipeline_) {
        simulation_.check_end(life, simulation_.pipeline_->snapshot().streams[stream]);
      }
      simulation_.spend({});
      if (simulation_.scenario_.on_ended) simulation_.scenario_.on_ended(stream);
    }

   private:
    JobPayloads round(TestFrame& frame) {
      const Scenario& scenario = simulation_.scenario_;
      const auto spread = scenario.most_jobs - scenario.least_jobs;
      frame.jobs_planned = scenario.least_jobs + simulation_.draw(spread + 1);
      JobPayloads jobs;
      for (std::uint32_t i = 0; i < frame.jobs_planned; ++i) {
        const auto turn = scenario.rounds > 1 ? static_cast<std::uint32_t>(frame.collected) : i;
        jobs.push_back(std::make_unique<TestJob>(frame, i, turn % scenario.kinds));
      }
      return jobs;
    }

    Simulation& simulation_;
    bool inside_deliver_ = false;
    std::uint64_t deliveries_ = 0;
  };

  Stream begin_life(const StreamScenario& stream) {
    lives_.push_back({.scenario = stream, .number = lives_.size()});
    return {std::make_unique<SimulatedSource>(*this, lives_.back()), stream.options};
  }

  /// Before the new stream's thread can run.
  void give_index(std::uint32_t index) {
    if (index > life_at_.size()) note("an index was left out");
    if (index < life_at_.size() && !lives_[life_at_[index]].over) {
      note("an index was given anew too early");
    }
    life_at_.resize(std::max<std::size_t>(life_at_.size(), index + 1));
    life_at_[index] = lives_.back().number;
    lives_.back().index = index;
  }

  Life& life_of(FrameId id) {
    Life& life = lives_[life_at_[id.stream]];
    if (life.over) note("a frame was told of after its stream's end");
    if (!life.seen.insert(id.sequence).second) note("a frame ended twice");
    return life;
  }

  void note(const std::string& broken) {
    if (broken_.size() < 10) broken_.push_back(broken);
  }

  Duration draw_cost(const Cost& cost) {
    if (cost.spread == Duration::zero()) return cost.least;
    return cost.least + Duration(draw(static_cast<std::uint64_t>(cost.spread.count()) + 1));
  }

  /// Also lets other threads run, before and after.
  void spend(const Cost& cost) {
    clock_.sleep_for(draw_cost(cost));
    if (pipeline_ && ++spent_ % scenario_.snapshot_every == 0) check_ledger();
  }

  void check_ledger() {
    const Stats stats = pipeline_->snapshot();
    for (std::size_t i = 0; i < stats.streams.size(); ++i) {
      if (!stats.streams[i].balanced()) note("the ledger does not balance");
      const auto in_flight = static_cast<std::int64_t>(stats.streams[i].in_flight);
      const StreamOptions& options = lives_[life_at_[i]].scenario.options;
      if (options.in_flight && in_flight > static_cast<std::int64_t>(options.in_flight)) {
        note("more frames are in flight than allowed");
      }
    }
  }

  void check_end(const Life& life, const StreamStats& stats) {
    if (!stats.balanced() || stats.in_flight != 0) note("the ledger does not balance at the end");
    if (stats.delivered != life.delivered) note("the ledger's deliveries are wrong");
    if (stats.dropped() != life.dropped) note("the ledger's drops are wrong");
    if (stats.captured != life.seen.size()) note("a frame was lost");
    if (!stats.ended) note("a stream has not ended");
  }

  void check_fates() {
    const Stats& stats = outcome_.stats;
    std::uint64_t delivered = stats.past.delivered, captured = stats.past.captured;
    for (const StreamStats& stream : stats.streams) {
      delivered += stream.delivered;
      captured += stream.captured;
    }
    for (const Life& life : lives_) {
      if (!life.over) note("a stream's end was not told");
      if (life_at_[life.index] == life.number) check_end(life, stats.streams[life.index]);
      delivered -= life.delivered;
      captured -= life.seen.size();
    }
    if (delivered != 0 || captured != 0) note("the ledger of all streams is wrong");
    if (stats.past.streams + stats.streams.size() != lives_.size()) note("streams were lost");
  }

  Scenario scenario_;
  SimulatedClock clock_;
  std::mt19937_64 random_;
  SimulatedStages stages_;
  std::deque<Life> lives_;
  std::vector<std::size_t> life_at_;  // by index
  std::int64_t live_jobs_ = 0;
  std::uint64_t spent_ = 0;
  std::vector<std::string> broken_;
  Outcome outcome_;
  std::unique_ptr<Pipeline> pipeline_;  // last: its threads use all of the above
};

inline Outcome run(Scenario scenario, std::optional<std::uint64_t> seed = std::nullopt) {
  return Simulation(std::move(scenario), seed).finish();
}

/// Runs `body` with seeds 0..count-1, or with the one in the environment's OSPREY_SEED. A failure
/// says how to repeat it.
inline void for_each_seed(std::uint64_t count, const std::function<void(std::uint64_t)>& body) {
  const char* only = std::getenv("OSPREY_SEED");
  const std::uint64_t first = only ? std::strtoull(only, nullptr, 10) : 0;
  const auto* test = testing::UnitTest::GetInstance()->current_test_info();
  for (std::uint64_t seed = first; seed < (only ? first + 1 : count); ++seed) {
    SCOPED_TRACE(testing::Message() << "to repeat: OSPREY_SEED=" << seed
                                    << " pipeline_tests --gtest_filter=" << test->test_suite_name()
                                    << "." << test->name());
    try {
      body(seed);
    } catch (const std::exception& error) {
      ADD_FAILURE() << error.what();
    }
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace osprey::pipeline::simulation
