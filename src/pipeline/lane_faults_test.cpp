// SPDX-License-Identifier: Apache-2.0
// Lanes that fail or hang, on a simulated clock: frames, order and ledger survive, and throughput
// comes back.
#include <gtest/gtest.h>

#include "pipeline/lane_health.hpp"
#include "pipeline/simulation.hpp"

namespace osprey::pipeline {
namespace {

using simulation::Fault;
using simulation::for_each_seed;
using simulation::Outcome;
using simulation::run;
using simulation::Scenario;
using namespace std::chrono_literals;

/// Three cores of 15 ms: at best 200 frames a second.
Scenario three_lanes(std::uint64_t frames) {
  Scenario scenario;
  scenario.streams = {{.frames = frames}};
  scenario.lanes = 3;
  scenario.run = {15ms};
  scenario.prepare = scenario.finish = {1ms};
  scenario.run_timeout = 1s;
  scenario.snapshot_every = 50;
  return scenario;
}

/// All frames came, in order and with results; the simulation itself checks the ledger.
void expect_whole(const Outcome& outcome, std::uint64_t frames) {
  EXPECT_TRUE(outcome.status.ok());
  ASSERT_EQ(outcome.delivered.size(), frames);
  for (std::uint64_t i = 0; i < frames; ++i) {
    ASSERT_EQ(outcome.delivered[i].id.sequence, i);
    ASSERT_EQ(outcome.delivered[i].error, "") << i;
  }
}

/// Frames a second of the last third.
double rate_at_the_end(const Outcome& outcome) {
  const auto& delivered = outcome.delivered;
  const auto from = delivered.size() * 2 / 3;
  const std::chrono::duration<double> span = delivered.back().time - delivered[from].time;
  return static_cast<double>(delivered.size() - 1 - from) / span.count();
}

double longest_gap(const Outcome& outcome) {
  std::chrono::duration<double> longest{0};
  for (std::size_t i = 1; i < outcome.delivered.size(); ++i) {
    longest = std::max<std::chrono::duration<double>>(
        longest, outcome.delivered[i].time - outcome.delivered[i - 1].time);
  }
  return longest.count();
}

TEST(LaneFaults, a_lane_that_failed_once_costs_one_rest) {
  auto scenario = three_lanes(600);
  scenario.fault = [](std::size_t lane, std::uint64_t n) {
    return lane == 1 && n == 20 ? Fault::kFails : Fault::kNone;
  };
  const auto outcome = run(scenario);
  expect_whole(outcome, 600);
  EXPECT_EQ(outcome.stats.lanes[1].faults, 1u);
  EXPECT_EQ(outcome.stats.lanes[1].last_fault, "lane failed");
  EXPECT_NEAR(std::chrono::duration<double>(outcome.stats.lanes[1].resting).count(), 0.1, 0.02);
  EXPECT_EQ(outcome.stats.lanes[0].faults, 0u);
  EXPECT_GT(rate_at_the_end(outcome), 0.97 * 200);
}

TEST(LaneFaults, a_lane_that_rests_takes_no_others_wake_up) {
  // A camera that lanes idle for: each frame is looked at at once by one that works.
  auto scenario = three_lanes(200);
  scenario.streams[0].comes_at = [](std::uint64_t n) { return base::Instant(100ms * (n + 1)); };
  scenario.fault = [](std::size_t lane, std::uint64_t) {
    return lane < 2 ? Fault::kFails : Fault::kNone;
  };
  const auto outcome = run(scenario);
  expect_whole(outcome, 200);
  EXPECT_GT(outcome.stats.lanes[0].resting, 10s);
  for (const auto& delivery : outcome.delivered) {
    EXPECT_LT(delivery.time - base::Instant(100ms * (delivery.id.sequence + 1)), 60ms);
  }
}

TEST(LaneFaults, a_hung_lane_s_frames_go_on_elsewhere_after_the_time_out) {
  for (const auto fault : {Fault::kHangs, Fault::kComesLate}) {
    auto scenario = three_lanes(4000);
    scenario.fault = [fault](std::size_t lane, std::uint64_t n) {
      return lane == 2 && n == 100 ? fault : Fault::kNone;
    };
    const auto outcome = run(scenario);
    expect_whole(outcome, 4000);
    EXPECT_EQ(outcome.stats.lanes[2].faults, 1u);
    EXPECT_EQ(outcome.stats.lanes[2].last_fault, "no answer for 1 s");
    EXPECT_LT(longest_gap(outcome), 1.1);
    EXPECT_GT(rate_at_the_end(outcome), 0.97 * 200);
  }
}

TEST(LaneFaults, two_thirds_of_the_rate_are_left_with_a_lane_that_stays_broken) {
  auto scenario = three_lanes(3000);
  scenario.fault = [](std::size_t lane, std::uint64_t n) {
    return lane == 0 && n >= 10 ? Fault::kFails : Fault::kNone;
  };
  const auto outcome = run(scenario);
  expect_whole(outcome, 3000);
  EXPECT_GT(rate_at_the_end(outcome), 0.97 * 200 * 2 / 3);
  // Tried again after 0.1, 0.2, 0.4 ... s: a handful of times in 22 s.
  EXPECT_GE(outcome.stats.lanes[0].faults, 6u);
  EXPECT_LE(outcome.stats.lanes[0].faults, 10u);
}

TEST(LaneFaults, a_lane_that_cannot_be_mended_is_tried_again_later) {
  auto scenario = three_lanes(2000);
  scenario.fault = [](std::size_t lane, std::uint64_t n) {
    return lane == 0 && n == 10 ? Fault::kHangs : Fault::kNone;
  };
  scenario.mend_fails = [](std::size_t, std::uint64_t call) { return call < 3; };
  const auto outcome = run(scenario);
  expect_whole(outcome, 2000);
  EXPECT_EQ(outcome.stats.lanes[0].faults, 4u);
  EXPECT_EQ(outcome.stats.lanes[0].last_fault, "still broken");
  EXPECT_GT(rate_at_the_end(outcome), 0.97 * 200);
}

TEST(LaneFaults, ten_thousand_frames_of_many_jobs_survive_faults_of_every_kind) {
  for_each_seed(2, [](std::uint64_t seed) {
    auto scenario = three_lanes(10000);
    scenario.least_jobs = 1;
    scenario.most_jobs = 4;
    scenario.run = {14ms, 2ms};
    scenario.batch = 1 + seed % 2;
    scenario.kinds = 2;
    std::mt19937_64 random(seed);
    scenario.fault = [&random](std::size_t, std::uint64_t) {
      const auto drawn = random() % 1000;
      return drawn < 3   ? Fault::kFails
             : drawn < 4 ? Fault::kHangs
             : drawn < 5 ? Fault::kComesLate
                         : Fault::kNone;
    };
    const auto outcome = run(scenario, seed);
    EXPECT_TRUE(outcome.status.ok());
    ASSERT_EQ(outcome.delivered.size(), 10000u);
    for (const auto& each : outcome.delivered) EXPECT_EQ(each.error, "");
    // A frame whose job meets two lanes that hang waits for both.
    EXPECT_LT(longest_gap(outcome), 2.3);
  });
}

TEST(LaneFaults, a_job_that_every_lane_fails_on_fails_its_frame_alone) {
  auto scenario = three_lanes(300);
  scenario.lanes = 1;
  scenario.fault = [](std::size_t, std::uint64_t n) {
    return n >= 50 && n < 54 ? Fault::kFails : Fault::kNone;
  };
  const auto outcome = run(scenario);
  EXPECT_TRUE(outcome.status.ok());
  ASSERT_EQ(outcome.delivered.size(), 300u);
  EXPECT_EQ(outcome.stats.streams[0].failed, 1u);
  EXPECT_EQ(outcome.delivered[50].error, "lane failed");
}

TEST(LaneFaults, the_pipeline_gives_up_when_no_lane_works_any_more) {
  for (const auto fault : {Fault::kFails, Fault::kHangs}) {
    auto scenario = three_lanes(10000);
    scenario.fault = [fault](std::size_t, std::uint64_t n) {
      return n >= 20 ? fault : Fault::kNone;
    };
    const auto outcome = run(scenario);
    ASSERT_FALSE(outcome.status.ok());
    EXPECT_EQ(outcome.status.error().code, ErrorCode::kUnavailable);
    EXPECT_GE(outcome.delivered.size(), 50u);
    EXPECT_LE(outcome.stats.streams[0].captured, 100u);
  }
}

TEST(LaneFaults, where_no_lane_works_one_is_tried_at_least_twice_a_second) {
  auto scenario = three_lanes(3000);
  scenario.fault = [](std::size_t, std::uint64_t n) {
    return n == 100 ? Fault::kFails : Fault::kNone;
  };
  // All lanes are out until each was tried 6 times; the board is back after a few seconds.
  scenario.mend_fails = [](std::size_t, std::uint64_t call) { return call < 6; };
  const auto outcome = run(scenario);
  expect_whole(outcome, 3000);
  EXPECT_LT(longest_gap(outcome), 3.2);  // 0.1 + 0.2 + 0.4 + 4 * 0.5
  EXPECT_GT(rate_at_the_end(outcome), 0.97 * 200 / 3);
}

TEST(LaneFaults, stopping_waits_no_longer_for_a_hung_lane_than_its_time_out) {
  auto scenario = three_lanes(10000);
  scenario.fault = [](std::size_t lane, std::uint64_t n) {
    return lane == 0 && n == 5 ? Fault::kHangs : Fault::kNone;
  };
  simulation::Simulation simulation(scenario);
  simulation.clock().sleep_for(500ms);
  simulation.pipeline().stop_now();
  const auto outcome = simulation.finish();
  EXPECT_EQ(outcome.status.error().code, ErrorCode::kCancelled);
  EXPECT_LT(outcome.stats.elapsed, 1200ms);
}

TEST(LaneFaults, live_streams_drop_frames_while_a_lane_hangs_and_catch_up) {
  auto scenario = three_lanes(2000);
  scenario.streams[0].read = {6ms};
  scenario.streams[0].options = {.admission = Admission::kDropOldest, .in_flight = 8};
  scenario.fault = [](std::size_t lane, std::uint64_t n) {
    return lane == 1 && n == 100 ? Fault::kHangs : Fault::kNone;
  };
  const auto outcome = run(scenario);
  EXPECT_TRUE(outcome.status.ok());
  EXPECT_GT(outcome.stats.streams[0].dropped(), 0u);
  EXPECT_GT(rate_at_the_end(outcome), 0.97 * 1000 / 6);
}

TEST(LaneHealth, rests_longer_after_each_failure_and_is_sound_after_one_success) {
  LaneHealth health;
  base::Instant now{};
  for (const auto rest : {100ms, 200ms, 400ms}) {
    health.failed(now);
    EXPECT_TRUE(health.rests());
    EXPECT_EQ(health.rests_until(), now + rest);
    health.returns();
    now += 1s;
  }
  for (int i = 0; i < 20; ++i) {
    health.returns();
    health.failed(now);
  }
  EXPECT_EQ(health.rests_until(), now + LaneHealth::kLongestRest);
  health.worked();  // what still ran when it failed
  health.failed(now);
  EXPECT_EQ(health.failures(), 23u);
  health.returns();
  health.worked();
  EXPECT_EQ(health.failures(), 0u);
  health.failed(now);
  EXPECT_EQ(health.rests_until(), now + 100ms);
  for (int i = 0; i < 20; ++i) {
    health.returns();
    health.failed(now, false);
  }
  EXPECT_EQ(health.rests_until(), now + LaneHealth::kLastRest);
}

}  // namespace
}  // namespace osprey::pipeline
