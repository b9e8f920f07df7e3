// SPDX-License-Identifier: Apache-2.0
// The pipeline's own threads on a simulated clock.
#include "pipeline/pipeline.hpp"

#include <gtest/gtest.h>

#include <iostream>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "pipeline/simulation.hpp"

namespace osprey::pipeline {
namespace {

using base::Instant;
using simulation::for_each_seed;
using simulation::Outcome;
using simulation::run;
using simulation::Scenario;
using simulation::Simulation;
using simulation::StreamScenario;
using namespace std::chrono_literals;

std::vector<std::uint64_t> sequences(const Outcome& outcome, std::uint32_t stream = 0) {
  std::vector<std::uint64_t> result;
  for (const auto& each : outcome.delivered) {
    if (each.id.stream == stream) result.push_back(each.id.sequence);
  }
  return result;
}

std::vector<std::uint64_t> counting(std::uint64_t count) {
  std::vector<std::uint64_t> result(count);
  for (std::uint64_t i = 0; i < count; ++i) result[i] = i;
  return result;
}

// Order and completeness.

TEST(Pipeline, delivers_every_frame_once_in_order_whatever_order_jobs_end_in) {
  for_each_seed(30, [](std::uint64_t seed) {
    Scenario scenario;
    scenario.streams = {{.frames = 60}, {.frames = 40, .read = {0ms, 3ms}}};
    scenario.lanes = 4;
    scenario.most_jobs = 5;
    scenario.prepare = scenario.finish = {0ms, 1ms};
    scenario.run = {1ms, 40ms};
    scenario.deliver = {0ms, 2ms};
    const Outcome outcome = run(scenario, seed);
    EXPECT_TRUE(outcome.status.ok());
    EXPECT_EQ(sequences(outcome, 0), counting(60));
    EXPECT_EQ(sequences(outcome, 1), counting(40));
  });
}

TEST(Pipeline, ten_thousand_frames_of_random_cost_on_eight_lanes_keep_order_and_ledger) {
  for_each_seed(1, [](std::uint64_t seed) {
    Scenario scenario;
    scenario.streams = {{.frames = 4000, .read = {0us, 900us}},
                        {.frames = 3000, .read = {100us, 100us}},
                        {.frames = 3000, .read = {0us, 5ms}, .options = {.in_flight = 3}}};
    scenario.lanes = 8;
    scenario.most_jobs = 3;
    scenario.least_jobs = 0;
    scenario.prepare = scenario.finish = {0us, 200us};
    scenario.run = {200us, 3ms};
    scenario.deliver = {0us, 100us};
    scenario.snapshot_every = 20;
    const Outcome outcome = run(scenario, seed);
    EXPECT_TRUE(outcome.status.ok());
    for (std::uint32_t i = 0; i < 3; ++i) {
      EXPECT_EQ(sequences(outcome, i), counting(scenario.streams[i].frames));
    }
  });
}

TEST(Pipeline, a_run_repeats_itself_exactly) {
  Scenario scenario;
  scenario.streams = {{.frames = 50}, {.frames = 50}};
  scenario.lanes = 3;
  scenario.most_jobs = 4;
  scenario.run = {1ms, 9ms};
  const Outcome first = run(scenario, 7);
  const Outcome second = run(scenario, 7);
  EXPECT_EQ(first.started, second.started);
  EXPECT_EQ(first.stats.elapsed, second.stats.elapsed);
  EXPECT_NE(first.started, run(scenario, 8).started);
}

TEST(Pipeline, a_frame_without_jobs_is_collected_and_delivered_at_once) {
  Scenario scenario;
  scenario.streams = {{.frames = 10}};
  scenario.least_jobs = scenario.most_jobs = 0;
  const Outcome outcome = run(scenario);
  EXPECT_TRUE(outcome.status.ok());
  EXPECT_EQ(sequences(outcome), counting(10));
  EXPECT_EQ(outcome.stats.elapsed, 0ms);
  EXPECT_EQ(outcome.stats.lanes[0].jobs, 0u);
}

TEST(Pipeline, an_empty_stream_ends_well) {
  Scenario scenario;
  scenario.streams = {{.frames = 0}, {.frames = 5}};
  const Outcome outcome = run(scenario);
  EXPECT_TRUE(outcome.status.ok());
  EXPECT_EQ(sequences(outcome, 1), counting(5));
}

TEST(Pipeline, jobs_start_by_deadline_so_streams_alternate) {
  Scenario scenario;
  scenario.streams = {{.frames = 200}, {.frames = 200}, {.frames = 200}};
  scenario.run = {10ms};
  scenario.most_jobs = scenario.least_jobs = 2;
  const Outcome outcome = run(scenario);
  // Once past the first fill no stream may get more than a frame ahead of another.
  std::map<std::uint32_t, int> started;
  for (std::size_t i = 0; i < 1100; ++i) {
    ++started[outcome.started[i].stream];
    if (i < 60) continue;
    for (std::uint32_t a = 0; a < 3; ++a) {
      for (std::uint32_t b = 0; b < 3; ++b) EXPECT_LE(started[a] - started[b], 4) << "job " << i;
    }
  }
}

// Admission.

TEST(Pipeline, never_holds_more_frames_than_allowed) {
  for_each_seed(12, [](std::uint64_t seed) {
    for (const std::size_t bound : {1, 2, 5}) {
      Scenario scenario;
      scenario.streams.clear();
      for (const auto admission :
           {Admission::kWait, Admission::kDropOldest, Admission::kDropNewest}) {
        scenario.streams.push_back(
            {.frames = 60, .read = {0ms, 2ms}, .options = {admission, bound}});
      }
      scenario.lanes = 2;
      scenario.most_jobs = 3;
      scenario.run = {0ms, 6ms};
      scenario.deliver = {0ms, 2ms};
      const Outcome outcome = run(scenario, seed);
      const auto most = static_cast<std::int64_t>(bound);
      EXPECT_LE(outcome.most_live[0], most);
      EXPECT_LE(outcome.most_live[1], most + 1);
      EXPECT_LE(outcome.most_live[2], most + 1);
      EXPECT_EQ(sequences(outcome, 0), counting(60));
    }
  });
}

/// A camera that gives a frame each millisecond to a lane that needs ten.
Scenario overrun_camera(Admission admission, std::size_t in_flight) {
  Scenario scenario;
  scenario.streams = {{.frames = 500, .read = {1ms}, .options = {admission, in_flight}}};
  scenario.run = {10ms};
  return scenario;
}

TEST(Pipeline, drop_oldest_keeps_the_newest_frame_and_latency_short) {
  const Outcome outcome = run(overrun_camera(Admission::kDropOldest, 4));
  EXPECT_TRUE(outcome.status.ok());
  EXPECT_EQ(outcome.delivered.back().id.sequence, 499u);
  const StreamStats& stream = outcome.stats.streams[0];
  EXPECT_GT(stream.delivered, 49u);
  EXPECT_EQ(stream.dropped(), stream.dropped_by[static_cast<std::size_t>(DropReason::kOldest)]);
  // At most 3 ms in the queue, then its run; at first, before it is known how long runs take, also
  // the one before it. The last few queue longer, for nothing comes after them.
  EXPECT_LE(outcome.stats.latency.p50, 13ms * 1.01);
  EXPECT_LE(outcome.stats.latency.p95, 22ms * 1.01);
  EXPECT_LE(outcome.stats.latency.max, 40ms);
}

TEST(Pipeline, drop_newest_finishes_what_it_has) {
  const Outcome outcome = run(overrun_camera(Admission::kDropNewest, 4));
  EXPECT_TRUE(outcome.status.ok());
  const auto delivered = sequences(outcome);
  EXPECT_EQ(std::vector(delivered.begin(), delivered.begin() + 4), counting(4));
  const StreamStats& stream = outcome.stats.streams[0];
  EXPECT_GT(stream.delivered, 49u);
  EXPECT_EQ(stream.dropped(), stream.dropped_by[static_cast<std::size_t>(DropReason::kNewest)]);
  EXPECT_GT(outcome.stats.latency.p50, 30ms);
}

TEST(Pipeline, drop_oldest_spares_frames_a_lane_has_touched) {
  Scenario scenario = overrun_camera(Admission::kDropOldest, 2);
  scenario.lanes = 2;
  const Outcome outcome = run(scenario);
  const StreamStats& stream = outcome.stats.streams[0];
  EXPECT_GT(stream.delivered, 80u);
  EXPECT_EQ(stream.dropped(), stream.dropped_by[static_cast<std::size_t>(DropReason::kNewest)]);
}

TEST(Pipeline, waiting_loses_nothing_and_blocks_the_reader) {
  const Outcome outcome = run(overrun_camera(Admission::kWait, 4));
  EXPECT_EQ(sequences(outcome), counting(500));
  EXPECT_GT(outcome.stats.streams[0].blocked, 4s);
}

TEST(Pipeline, a_fast_camera_does_not_starve_a_slow_one) {
  for_each_seed(5, [](std::uint64_t seed) {
    Scenario scenario;
    scenario.streams = {
        {.frames = 2000, .read = {1ms}, .options = {Admission::kDropOldest, 3}},
        {.frames = 50, .read = {40ms}, .options = {Admission::kDropOldest, 3}},
    };
    scenario.run = {10ms};
    const Outcome outcome = run(scenario, seed);
    EXPECT_EQ(sequences(outcome, 1), counting(50));
    EXPECT_GT(outcome.stats.streams[0].delivered, 140u);
  });
}

TEST(Pipeline, overrun_cameras_that_keep_step_get_equal_shares) {
  for (const auto admission : {Admission::kDropOldest, Admission::kDropNewest}) {
    Scenario scenario;
    scenario.streams.assign(4, {.frames = 1000, .read = {2ms}, .options = {admission, 3}});
    scenario.lanes = 2;
    scenario.run = {5ms};
    for (const StreamStats& stream : run(scenario).stats.streams) {
      EXPECT_NEAR(static_cast<double>(stream.delivered), 200, 10);
    }
  }
}

TEST(Pipeline, a_slow_consumer_pushes_back_to_the_source) {
  Scenario scenario;
  scenario.streams = {{.frames = 100, .options = {Admission::kWait, 4}}};
  scenario.lanes = 2;
  scenario.run = {1ms};
  scenario.deliver = {50ms};
  const Outcome outcome = run(scenario);
  EXPECT_EQ(sequences(outcome), counting(100));
  EXPECT_LE(outcome.most_live[0], 4);
  EXPECT_NEAR(std::chrono::duration<double>(outcome.stats.delivering).count(), 5, 1e-9);
  EXPECT_GT(outcome.stats.streams[0].blocked, 4700ms);
}

// Failures.

TEST(Pipeline, a_failing_job_is_an_error_in_its_frames_place_and_disturbs_no_other) {
  const auto seventh = [](std::uint64_t job) { return job % 7 == 6; };
  for_each_seed(6, [&](std::uint64_t seed) {
    for (const std::string where : {"prepare", "run", "finish"}) {
      Scenario scenario;
      scenario.streams = {{.frames = 140}};
      scenario.lanes = 1;
      scenario.run = {1ms, 2ms};
      (where == "prepare" ? scenario.prepare_fails
       : where == "run"   ? scenario.run_fails
                          : scenario.finish_fails) = seventh;
      const Outcome outcome = run(scenario, seed);
      EXPECT_TRUE(outcome.status.ok());
      EXPECT_EQ(sequences(outcome), counting(140));
      EXPECT_EQ(outcome.stats.lanes[0].failures, 20u);
      EXPECT_EQ(outcome.stats.lanes[0].jobs, 140u);
      EXPECT_EQ(outcome.stats.streams[0].failed, 20u);
      for (const auto& each : outcome.delivered) {
        EXPECT_EQ(each.error, seventh(each.id.sequence) ? where + " failed" : "");
      }
    }
  });
}

TEST(Pipeline, a_lane_that_fails_leaves_the_other_lanes_frames_whole) {
  for_each_seed(10, [](std::uint64_t seed) {
    Scenario scenario;
    scenario.streams = {{.frames = 100}, {.frames = 100}};
    scenario.lanes = 3;
    scenario.least_jobs = 1;
    scenario.most_jobs = 3;
    scenario.prepare = {0ms, 1ms};
    scenario.run = {1ms, 5ms};
    scenario.run_fails = [](std::uint64_t job) { return job % 7 == 6; };
    const Outcome outcome = run(scenario, seed);
    std::uint64_t failures = 0, failed = 0;
    for (const LaneStats& lane : outcome.stats.lanes) failures += lane.failures;
    for (const StreamStats& stream : outcome.stats.streams) failed += stream.failed;
    EXPECT_GT(failures, 20u);
    EXPECT_LE(failed, failures);
    EXPECT_GE(failed * 3, failures);
    EXPECT_EQ(sequences(outcome, 0), counting(100));
    EXPECT_EQ(sequences(outcome, 1), counting(100));
  });
}

TEST(Pipeline, errors_of_plan_and_collect_stay_with_their_frame) {
  Scenario scenario;
  scenario.streams = {{.frames = 30}};
  scenario.run = {1ms};
  scenario.plan_fails = [](FrameId id) { return id.sequence == 3; };
  scenario.collect_fails = [](FrameId id) { return id.sequence == 9; };
  const Outcome outcome = run(scenario);
  EXPECT_TRUE(outcome.status.ok());
  EXPECT_EQ(sequences(outcome), counting(30));
  for (const auto& each : outcome.delivered) {
    EXPECT_EQ(each.error, each.id.sequence == 3   ? "plan failed"
                          : each.id.sequence == 9 ? "collect failed"
                                                  : "");
  }
}

TEST(Pipeline, a_source_error_ends_its_stream_and_is_told_while_others_go_on) {
  for_each_seed(10, [](std::uint64_t seed) {
    Scenario scenario;
    scenario.streams = {{.frames = 50}, {.frames = 50, .fails_at = 20}, {.frames = 50}};
    scenario.lanes = 2;
    scenario.run = {1ms, 2ms};
    const Outcome outcome = run(scenario, seed);
    ASSERT_FALSE(outcome.status.ok());
    EXPECT_EQ(outcome.status.error().message, "source failed");
    EXPECT_EQ(outcome.stats.streams[1].error->code, ErrorCode::kCorrupt);
    EXPECT_FALSE(outcome.stats.streams[0].error);
    EXPECT_EQ(sequences(outcome, 0), counting(50));
    EXPECT_EQ(sequences(outcome, 1), counting(20));
    EXPECT_EQ(sequences(outcome, 2), counting(50));
  });
}

TEST(Pipeline, a_consumers_error_stops_everything_with_that_error) {
  for_each_seed(20, [](std::uint64_t seed) {
    Scenario scenario;
    scenario.streams = {{.frames = 500, .read = {0ms, 1ms}}, {.frames = 100, .endless = true}};
    scenario.lanes = 2;
    scenario.run = {1ms, 2ms};
    scenario.deliver_fails = [](std::uint64_t delivery) { return delivery == 10; };
    const Outcome outcome = run(scenario, seed);
    ASSERT_FALSE(outcome.status.ok());
    EXPECT_EQ(outcome.status.error().code, ErrorCode::kIo);
    EXPECT_EQ(outcome.status.error().message, "disk full");
    EXPECT_EQ(outcome.delivered.size(), 10u);
    EXPECT_GE(outcome.dropped.size(), 1u);
    for (const auto& [id, reason] : outcome.dropped) EXPECT_EQ(reason, DropReason::kStopped);
  });
}

// Ending.

Scenario any_scenario(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  Scenario scenario;
  scenario.streams.clear();
  for (std::uint64_t i = 0; i <= random() % 3; ++i) {
    StreamScenario stream;
    stream.frames = random() % 40;
    stream.read = {0ms, Duration(random() % 3'000'000)};
    stream.options = {static_cast<Admission>(random() % 3), random() % 6};
    stream.endless = random() % 2 == 0;
    scenario.streams.push_back(stream);
  }
  scenario.lanes = 1 + random() % 4;
  scenario.least_jobs = random() % 2;
  scenario.most_jobs = scenario.least_jobs + random() % 4;
  scenario.plan = scenario.prepare = scenario.finish = scenario.collect = {0ms, 500us};
  scenario.run = {random() % 2 * 1ms, 6ms};
  scenario.deliver = {0ms, random() % 2 * 5ms};
  scenario.run_fails = [](std::uint64_t job) { return job % 7 == 6; };
  return scenario;
}

TEST(Pipeline, can_be_stopped_at_any_moment_without_losing_sight_of_a_frame) {
  for_each_seed(400, [](std::uint64_t seed) {
    Simulation simulation(any_scenario(seed), seed);
    simulation.clock().sleep_for(Duration(simulation.draw(80'000'000)));
    const bool over =
        simulation.pipeline().snapshot().elapsed < simulation.clock().now() - Instant();
    simulation.pipeline().stop_now();
    const Outcome outcome = simulation.finish();
    EXPECT_EQ(outcome.status.ok(), over);
    if (!over) {
      EXPECT_EQ(outcome.status.error().code, ErrorCode::kCancelled);
    }
  });
}

TEST(Pipeline, an_interrupt_delivers_what_was_captured) {
  for_each_seed(200, [](std::uint64_t seed) {
    Simulation simulation(any_scenario(seed), seed);
    simulation.clock().sleep_for(Duration(simulation.draw(80'000'000)));
    simulation.pipeline().interrupt();
    const Outcome outcome = simulation.finish();
    for (const StreamStats& stream : outcome.stats.streams) {
      EXPECT_EQ(stream.dropped_by[static_cast<std::size_t>(DropReason::kStopped)], 0u);
    }
  });
}

TEST(Pipeline, can_be_destroyed_at_any_moment) {
  for_each_seed(100, [](std::uint64_t seed) {
    Simulation simulation(any_scenario(seed), seed);
    simulation.clock().sleep_for(Duration(simulation.draw(80'000'000)));
  });
}

TEST(Pipeline, a_stop_may_follow_an_interrupt_and_both_may_be_repeated) {
  for_each_seed(50, [](std::uint64_t seed) {
    Simulation simulation(any_scenario(seed), seed);
    for (int i = 0; i < 2; ++i) {
      simulation.clock().sleep_for(Duration(simulation.draw(20'000'000)));
      simulation.pipeline().interrupt();
    }
    for (int i = 0; i < 2; ++i) {
      simulation.clock().sleep_for(Duration(simulation.draw(20'000'000)));
      simulation.pipeline().stop_now();
    }
    EXPECT_EQ(simulation.pipeline().wait().ok(), simulation.pipeline().wait().ok());
    static_cast<void>(simulation.finish());
  });
}

TEST(Pipeline, a_stage_may_stop_the_pipeline_it_runs_in) {
  Simulation* running = nullptr;
  Scenario scenario;
  scenario.streams = {{.frames = 100}};
  scenario.run = {1ms};
  scenario.deliver_fails = [&](std::uint64_t delivery) {
    if (delivery == 5) running->pipeline().stop_now();
    return false;
  };
  Simulation simulation(scenario);
  running = &simulation;
  const Outcome outcome = simulation.finish();
  EXPECT_EQ(sequences(outcome), counting(6));
  EXPECT_EQ(outcome.status.error().code, ErrorCode::kCancelled);
}

TEST(Pipeline, a_job_still_in_preparation_when_the_stop_comes_is_not_run) {
  Scenario scenario;
  scenario.lanes = 2;
  scenario.prepare = {10ms};
  scenario.run = {1s};
  Simulation simulation(scenario);
  simulation.clock().sleep_for(5ms);
  simulation.pipeline().stop_now();
  const Outcome outcome = simulation.finish();
  EXPECT_EQ(outcome.stats.elapsed, 10ms);
  EXPECT_EQ(outcome.stats.utilisation(), 0);
}

TEST(Pipeline, an_interrupt_ends_a_source_that_blocks_for_ever) {
  Scenario scenario;
  scenario.streams = {{.frames = 10, .endless = true}};
  scenario.run = {1ms};
  Simulation simulation(scenario);
  simulation.clock().sleep_for(1s);
  simulation.pipeline().interrupt();
  const Outcome outcome = simulation.finish();
  EXPECT_EQ(sequences(outcome), counting(10));
  EXPECT_EQ(outcome.status.error().code, ErrorCode::kCancelled);
}

// Speed.

TEST(Pipeline, equal_lanes_are_busy_99_percent_of_the_time) {
  for (const std::size_t lanes : {1, 2, 3, 8}) {
    Scenario scenario;
    scenario.streams = {{.frames = 600 * lanes}};
    scenario.lanes = lanes;
    scenario.prepare = {4ms};
    scenario.run = {10ms};
    scenario.finish = {4ms};
    scenario.snapshot_every = 100;
    const Outcome outcome = run(scenario);
    EXPECT_GE(outcome.stats.utilisation(), 0.99) << lanes << " lanes";
    for (const LaneStats& lane : outcome.stats.lanes) {
      EXPECT_GE(lane.busy, outcome.stats.elapsed * 0.985) << lanes << " lanes";
    }
  }
}

struct Shape {
  const char* name;
  std::size_t jobs;
  int rounds;
  std::uint32_t kinds;
};

class ThreeLanes : public testing::TestWithParam<Shape> {};

TEST_P(ThreeLanes, are_all_busy_whatever_a_frame_is_made_of) {
  Scenario scenario;
  scenario.streams = {{.frames = 1000}};
  scenario.lanes = 3;
  scenario.least_jobs = scenario.most_jobs = GetParam().jobs;
  scenario.rounds = GetParam().rounds;
  scenario.kinds = GetParam().kinds;
  scenario.prepare = {3ms};
  scenario.run_by_kind = {{10ms}, {7ms}};
  scenario.finish = {3ms};
  scenario.collect = {500us};
  scenario.snapshot_every = 100;
  const Outcome outcome = run(scenario);
  EXPECT_EQ(sequences(outcome), counting(1000));
  std::cout << GetParam().name << ": lanes busy";
  for (const LaneStats& lane : outcome.stats.lanes) {
    EXPECT_GE(lane.busy, outcome.stats.elapsed * 0.98);
    std::cout << ' '
              << 100.0 * static_cast<double>(lane.busy.count()) /
                     static_cast<double>(outcome.stats.elapsed.count())
              << " %";
  }
  std::cout << '\n';
}

INSTANTIATE_TEST_SUITE_P(, ThreeLanes,
                         testing::Values(Shape{"four_tiles", 4, 1, 1}, Shape{"six_tiles", 6, 1, 1},
                                         Shape{"two_models_in_parallel", 2, 1, 2},
                                         Shape{"two_models_in_series", 1, 2, 2},
                                         Shape{"six_tiles_of_two_models_in_series", 6, 2, 2}),
                         [](const auto& shape) { return std::string(shape.param.name); });

// Rounds.

TEST(Pipeline, rounds_of_jobs_keep_order_and_ledger) {
  for_each_seed(20, [](std::uint64_t seed) {
    Scenario scenario;
    scenario.streams = {{.frames = 60}, {.frames = 40, .read = {0ms, 3ms}}};
    scenario.lanes = 3;
    scenario.rounds = 3;
    scenario.kinds = 3;
    scenario.least_jobs = 1;
    scenario.most_jobs = 4;
    scenario.prepare = scenario.finish = scenario.collect = {0ms, 1ms};
    scenario.run = {1ms, 20ms};
    const Outcome outcome = run(scenario, seed);
    EXPECT_TRUE(outcome.status.ok());
    EXPECT_EQ(sequences(outcome, 0), counting(60));
    EXPECT_EQ(sequences(outcome, 1), counting(40));
  });
}

TEST(Pipeline, a_failed_frame_has_no_further_round) {
  Scenario scenario;
  scenario.streams = {{.frames = 4}};
  scenario.rounds = 2;
  scenario.run = {1ms};
  scenario.run_fails = [](std::uint64_t job) { return job == 0; };
  const Outcome outcome = run(scenario);
  EXPECT_EQ(outcome.delivered[0].error, "run failed");
  EXPECT_EQ(outcome.started.size(), 7u);
  EXPECT_EQ(sequences(outcome), counting(4));
}

TEST(Pipeline, drop_oldest_spares_frames_between_their_rounds) {
  Scenario scenario;
  scenario.streams = {{.frames = 200, .read = {1ms}, .options = {Admission::kDropOldest, 3}}};
  scenario.rounds = 2;
  scenario.run = {10ms};
  const Outcome outcome = run(scenario);
  const auto delivered = outcome.stats.streams[0].delivered;
  EXPECT_EQ(outcome.started.size(), 2 * delivered);
}

// Batches.

TEST(Pipeline, batches_are_filled_from_several_frames_and_streams) {
  Scenario scenario;
  scenario.streams = {{.frames = 100, .options = {.in_flight = 16}},
                      {.frames = 100, .options = {.in_flight = 16}}};
  scenario.batch = 4;
  scenario.run = {10ms};
  const Outcome outcome = run(scenario);
  EXPECT_EQ(sequences(outcome, 0), counting(100));
  EXPECT_EQ(sequences(outcome, 1), counting(100));
  EXPECT_LE(outcome.batches.size(), 52u);  // of 50 full ones
}

TEST(Pipeline, kinds_of_jobs_do_not_share_a_batch_but_do_not_hinder_one) {
  Scenario scenario;
  scenario.streams = {{.frames = 300, .options = {.in_flight = 16}}};
  scenario.least_jobs = scenario.most_jobs = 2;
  scenario.kinds = 2;
  scenario.batch = 4;
  scenario.run = {10ms};
  const Outcome outcome = run(scenario);
  EXPECT_EQ(sequences(outcome), counting(300));
  EXPECT_LE(outcome.batches.size(), 160u);  // of 150 full ones
}

TEST(Pipeline, a_lone_job_waits_for_company_no_longer_than_asked) {
  for (const auto wait : {0ms, 15ms}) {
    Scenario scenario;
    scenario.streams = {{.frames = 20, .read = {100ms}}};
    scenario.batch = 4;
    scenario.batch_wait = wait;
    scenario.run = {10ms};
    const Outcome outcome = run(scenario);
    EXPECT_EQ(outcome.stats.latency.max, wait + 10ms);
    EXPECT_EQ(outcome.batches.size(), 20u);
  }
}

TEST(Pipeline, jobs_that_come_in_time_share_a_batch) {
  Scenario scenario;
  scenario.streams = {{.frames = 20, .read = {100ms}}, {.frames = 20, .read = {100ms}}};
  scenario.batch = 2;
  scenario.batch_wait = 30ms;
  scenario.run = {10ms};
  scenario.prepare = {1ms};
  const Outcome outcome = run(scenario);
  EXPECT_EQ(outcome.batches, std::vector<std::size_t>(20, 2));
  EXPECT_EQ(outcome.stats.latency.max, 12ms);
}

TEST(Pipeline, batches_and_rounds_survive_failures_and_stops) {
  for_each_seed(60, [](std::uint64_t seed) {
    Scenario scenario;
    scenario.streams = {{.frames = 80, .options = {.in_flight = 12}},
                        {.frames = 80, .read = {0ms, 4ms}}};
    scenario.lanes = 2;
    scenario.rounds = 2;
    scenario.kinds = 2;
    scenario.most_jobs = 4;
    scenario.batch = 3;
    scenario.batch_wait = 2ms;
    scenario.prepare = scenario.finish = scenario.collect = {0ms, 1ms};
    scenario.run = {0ms, 9ms};
    scenario.prepare_fails = [](std::uint64_t job) { return job % 17 == 3; };
    scenario.run_fails = [](std::uint64_t batch) { return batch % 13 == 5; };
    scenario.finish_fails = [](std::uint64_t job) { return job % 19 == 7; };
    Simulation simulation(scenario, seed);
    if (seed % 3 > 0) {
      simulation.clock().sleep_for(Duration(simulation.draw(200'000'000)));
      seed % 3 == 1 ? simulation.pipeline().stop_now() : simulation.pipeline().interrupt();
    }
    static_cast<void>(simulation.finish());
  });
}

TEST(Pipeline, lanes_of_unequal_speed_are_all_kept_busy) {
  Scenario scenario;
  scenario.streams = {{.frames = 2000, .options = {.in_flight = 32}}};
  scenario.lanes = 4;
  scenario.prepare = {1ms};
  scenario.run = {5ms, 10ms};
  scenario.finish = {1ms};
  scenario.snapshot_every = 100;
  EXPECT_GE(run(scenario, 1).stats.utilisation(), 0.99);
}

TEST(Pipeline, a_lone_frames_jobs_spread_over_idle_lanes) {
  for_each_seed(20, [](std::uint64_t seed) {
    Scenario scenario;
    scenario.streams = {{.frames = 20, .read = {100ms}}};
    scenario.lanes = 3;
    scenario.run = {10ms};
    scenario.least_jobs = scenario.most_jobs = 3;
    EXPECT_EQ(run(scenario, seed).stats.latency.max, 10ms);
    scenario.least_jobs = scenario.most_jobs = 4;
    EXPECT_EQ(run(scenario, seed).stats.latency.max, 20ms);
  });
}

TEST(Pipeline, counts_where_time_went) {
  Scenario scenario;
  scenario.streams = {{.frames = 10, .read = {20ms}}};
  scenario.plan = {1ms};
  scenario.prepare = {2ms};
  scenario.run = {3ms};
  scenario.finish = {4ms};
  scenario.collect = {5ms};
  scenario.deliver = {6ms};
  const Outcome outcome = run(scenario);
  const Stats& stats = outcome.stats;
  EXPECT_EQ(stats.streams[0].reading, 220ms);  // the tenth read finds the end
  EXPECT_EQ(stats.streams[0].planning, 10ms);
  EXPECT_EQ(stats.lanes[0].prepare, 20ms);
  EXPECT_EQ(stats.lanes[0].busy, 30ms);
  EXPECT_EQ(stats.lanes[0].finish, 40ms);
  EXPECT_EQ(stats.lanes[0].collect, 50ms);
  EXPECT_EQ(stats.delivering, 60ms);
  EXPECT_EQ(stats.lanes[0].starved, stats.elapsed - 140ms);
  EXPECT_EQ(stats.starved_by_source + stats.starved_by_output, stats.lanes[0].starved);
  EXPECT_EQ(stats.latency.max, 21ms);
  EXPECT_EQ(stats.streams[0].delivering, 60ms);
  EXPECT_EQ(stats.streams[0].elapsed, stats.elapsed);
  EXPECT_EQ(stats.streams[0].latency.max, 21ms);
  EXPECT_EQ(stats.streams[0].recent.max, 21ms);
  EXPECT_EQ(stats.streams[0].latencies.count(), 10u);
  EXPECT_EQ(stats.streams[0].latencies.sum, 210ms);
  EXPECT_EQ(stats.lanes[0].runs.count(), 10u);
  EXPECT_EQ(stats.lanes[0].runs.sum, 30ms);
}

TEST(Pipeline, ages_are_counted_by_stream_and_runs_without_their_wait_for_the_one_before) {
  Scenario scenario;
  scenario.streams = {{.frames = 20, .read = {100ms}}, {.frames = 2}};
  scenario.run = {10ms};
  const Outcome outcome = run(scenario);
  EXPECT_EQ(outcome.stats.streams[0].latency.max, 10ms);
  EXPECT_EQ(outcome.stats.streams[1].latency.max, 20ms);
  EXPECT_EQ(outcome.stats.latency.max, 20ms);
  EXPECT_EQ(outcome.stats.streams[1].elapsed, 0ms);
  EXPECT_EQ(outcome.stats.lanes[0].runs.sum, 220ms);
}

// What sets the pace.

Scenario balanced() {
  Scenario scenario;
  scenario.streams = {{.frames = 300}, {.frames = 300}};
  scenario.lanes = 2;
  scenario.prepare = scenario.finish = scenario.deliver = {200us};
  scenario.run = {1ms};
  scenario.streams[0].read = scenario.streams[1].read = {200us};
  return scenario;
}

TEST(Pipeline, a_slow_source_is_named) {
  Scenario scenario = balanced();
  scenario.streams[0].read = scenario.streams[1].read = {3ms};
  const BoundBy verdict = bound_by(run(scenario).stats);
  EXPECT_EQ(verdict.bound, Bound::kSource);
  EXPECT_GT(verdict.source, 0.5);
}

TEST(Pipeline, slow_preparation_is_named) {
  Scenario scenario = balanced();
  scenario.prepare = {4ms};
  const BoundBy verdict = bound_by(run(scenario).stats);
  EXPECT_EQ(verdict.bound, Bound::kPreparation);
  EXPECT_GT(verdict.preparation, 0.6);
}

TEST(Pipeline, slow_inference_is_named) {
  Scenario scenario = balanced();
  scenario.run = {8ms};
  const BoundBy verdict = bound_by(run(scenario).stats);
  EXPECT_EQ(verdict.bound, Bound::kInference);
  EXPECT_GT(verdict.inference, 0.97);
}

TEST(Pipeline, slow_output_is_named) {
  for (const auto admission : {Admission::kWait, Admission::kDropNewest}) {
    Scenario scenario = balanced();
    scenario.streams[0].options.admission = scenario.streams[1].options.admission = admission;
    scenario.deliver = {5ms};
    const BoundBy verdict = bound_by(run(scenario).stats);
    EXPECT_EQ(verdict.bound, Bound::kOutput);
    EXPECT_GT(verdict.output, 0.5);
  }
}

TEST(Pipeline, a_camera_beside_a_file_does_not_hide_that_lanes_are_saturated) {
  Scenario scenario = balanced();
  scenario.streams[0].read = {10ms};
  scenario.streams[0].options.admission = Admission::kDropOldest;
  scenario.streams[1].frames = 3000;
  scenario.run = {2ms};
  EXPECT_EQ(bound_by(run(scenario).stats).bound, Bound::kInference);
}

// Options.

TEST(Pipeline, refuses_what_cannot_run) {
  struct NoStages final : Stages {
    Result<JobPayloads> plan(FrameId, FramePayload&) override { return JobPayloads(); }
    Result<JobPayloads> collect(FrameId, FramePayload&, std::span<Job>) override {
      return JobPayloads();
    }
    Status deliver(Delivery) override { return {}; }
  } stages;
  struct EmptySource final : Source {
    Result<std::optional<Captured>> read() override { return std::optional<Captured>(); }
    void cancel() override {}
  };
  struct NoRunner final : LaneRunner {
    Status prepare(LanePlace, JobPayload&) override { return {}; }
    void start(std::size_t, std::size_t, Completion done) override { done({}); }
    Status finish(LanePlace, JobPayload&) override { return {}; }
  };
  base::SimulatedClock clock;
  const auto message = [&](bool stream, bool source, bool lane, bool runner, std::size_t bound,
                           Duration wait = 0s) {
    std::vector<Stream> streams;
    if (stream) {
      streams.push_back({source ? std::make_unique<EmptySource>() : nullptr, {.in_flight = bound}});
    }
    Lanes lanes;
    lanes.batch_wait = wait;
    if (lane) lanes.runners.push_back(runner ? std::make_unique<NoRunner>() : nullptr);
    auto pipeline = Pipeline::start(std::move(streams), std::move(lanes), stages, clock);
    return pipeline.ok() ? "" : pipeline.error().message;
  };
  EXPECT_EQ(message(true, true, true, true, 4096), "");
  EXPECT_EQ(message(false, true, true, true, 1), "pipeline: at least one stream is needed");
  EXPECT_EQ(message(true, false, true, true, 1), "pipeline: stream 0 has no source");
  EXPECT_EQ(message(true, true, false, true, 1), "pipeline: at least one lane is needed");
  EXPECT_EQ(message(true, true, true, false, 1), "pipeline: a lane has no runner");
  EXPECT_EQ(message(true, true, true, true, 4097),
            "pipeline: stream 0: in_flight is 4097, expected 0..4096");
  EXPECT_EQ(message(true, true, true, true, 1, 2s),
            "pipeline: batch_wait is out of its range, expected 0..1 s");
}

}  // namespace
}  // namespace osprey::pipeline
