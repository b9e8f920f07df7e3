// SPDX-License-Identifier: Apache-2.0
// Streams that come and go while the pipeline runs, on a simulated clock.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "pipeline/simulation.hpp"

namespace osprey::pipeline {
namespace {

using simulation::for_each_seed;
using simulation::Outcome;
using simulation::Scenario;
using simulation::Simulation;
using simulation::StreamScenario;
using namespace std::chrono_literals;

/// Frames of one stream of all there were.
std::vector<std::uint64_t> sequences_of(const Outcome& outcome, std::size_t life) {
  std::vector<std::uint64_t> result;
  for (const auto& each : outcome.delivered) {
    if (each.life == life) result.push_back(each.id.sequence);
  }
  return result;
}

std::vector<std::uint64_t> first(std::uint64_t count) {
  std::vector<std::uint64_t> result(count);
  for (std::uint64_t i = 0; i < count; ++i) result[i] = i;
  return result;
}

/// A camera of 100 frames a second, whose frames nobody drops.
StreamScenario camera() {
  return {.frames = 1'000'000, .read = {10ms}};
}

Scenario open_pipeline(std::vector<StreamScenario> streams = {}) {
  Scenario scenario;
  scenario.streams = std::move(streams);
  scenario.until = Until::kTold;
  scenario.lanes = 2;
  scenario.run = {5ms};
  return scenario;
}

TEST(Streams, a_pipeline_kept_open_runs_without_any_until_it_is_told) {
  for (const bool interrupted : {true, false}) {
    Simulation simulation(open_pipeline());
    simulation.clock().sleep_for(1h);
    EXPECT_EQ(simulation.pipeline().snapshot().elapsed, 1h);
    interrupted ? simulation.pipeline().interrupt() : simulation.pipeline().stop_now();
    const Outcome outcome = simulation.finish();
    EXPECT_TRUE(outcome.status.ok());
    EXPECT_EQ(outcome.stats.elapsed, 1h);
    EXPECT_EQ(outcome.stats.starved_by_source, 2h);
  }
}

TEST(Streams, a_pipeline_kept_open_outlives_its_last_stream) {
  Simulation simulation(open_pipeline({{.frames = 20}}));
  simulation.clock().sleep_for(1s);
  EXPECT_EQ(simulation.so_far().delivered.size(), 20u);
  EXPECT_EQ(*simulation.add({.frames = 30}), 1u);
  simulation.clock().sleep_for(1s);
  simulation.pipeline().interrupt();
  const Outcome outcome = simulation.finish();
  EXPECT_TRUE(outcome.status.ok());
  EXPECT_EQ(sequences_of(outcome, 1), first(30));
}

TEST(Streams, what_a_stream_captured_before_its_end_is_delivered_and_others_do_not_notice) {
  for_each_seed(20, [](std::uint64_t seed) {
    Simulation simulation(open_pipeline({camera(), camera()}), seed);
    simulation.clock().sleep_for(1s + Duration(simulation.draw(20'000'000)));
    const auto captured = simulation.pipeline().snapshot().streams[0].captured;
    EXPECT_TRUE(simulation.pipeline().end(0).ok());
    simulation.clock().sleep_for(1s);
    const Stats stats = simulation.pipeline().snapshot();
    EXPECT_TRUE(stats.streams[0].ended);
    EXPECT_LE(stats.streams[0].captured, captured + 1);
    EXPECT_EQ(stats.streams[0].delivered, stats.streams[0].captured);
    simulation.pipeline().interrupt();
    const Outcome outcome = simulation.finish();
    EXPECT_NEAR(static_cast<double>(sequences_of(outcome, 1).size()), 200, 3);
    EXPECT_EQ(outcome.stats.latency.max, 5ms);
  });
}

TEST(Streams, a_source_that_blocks_for_ever_ends_when_it_is_told) {
  Simulation simulation(open_pipeline({{.frames = 3, .endless = true}}));
  simulation.clock().sleep_for(1s);
  EXPECT_FALSE(simulation.pipeline().snapshot().streams[0].ended);
  EXPECT_TRUE(simulation.pipeline().end(0).ok());
  simulation.clock().sleep_for(0s);
  simulation.clock().sleep_for(0s);
  EXPECT_TRUE(simulation.pipeline().snapshot().streams[0].ended);
  simulation.pipeline().interrupt();
  EXPECT_TRUE(simulation.finish().status.ok());
}

TEST(Streams, a_reader_that_waits_for_room_ends_when_it_is_told) {
  Scenario scenario = open_pipeline({{.frames = 100, .options = {Admission::kWait, 4}}});
  scenario.run = {1s};
  Simulation simulation(scenario);
  simulation.clock().sleep_for(100ms);
  EXPECT_TRUE(simulation.pipeline().end(0).ok());
  simulation.clock().sleep_for(3s);
  simulation.pipeline().interrupt();
  EXPECT_EQ(sequences_of(simulation.finish(), 0), first(4));
}

TEST(Streams, an_index_is_given_anew_so_that_daily_changes_do_not_add_up) {
  Simulation simulation(open_pipeline({camera()}));
  std::uint64_t captured = 0;
  for (int day = 0; day < 365; ++day) {
    const auto index = simulation.add(camera());
    ASSERT_TRUE(index.ok());
    EXPECT_EQ(*index, 1u);
    simulation.clock().sleep_for(100ms);
    EXPECT_TRUE(simulation.pipeline().end(1).ok());
    simulation.clock().sleep_for(100ms);
    captured += simulation.pipeline().snapshot().streams[1].captured;
  }
  simulation.pipeline().interrupt();
  const Outcome outcome = simulation.finish();
  EXPECT_EQ(outcome.stats.streams.size(), 2u);
  EXPECT_EQ(outcome.stats.past.streams, 364u);
  EXPECT_EQ(outcome.stats.past.captured + outcome.stats.streams[1].captured, captured);
  EXPECT_EQ(outcome.stats.past.delivered, outcome.stats.past.captured);
}

TEST(Streams, the_index_of_a_stream_that_ended_by_itself_is_kept_until_it_is_given_up) {
  Simulation simulation(open_pipeline({{.frames = 5}, {.frames = 5, .fails_at = 3}}));
  simulation.clock().sleep_for(1s);
  EXPECT_EQ(*simulation.add(camera()), 2u);
  EXPECT_EQ(simulation.pipeline().snapshot().streams[1].error->message, "source failed");
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(simulation.pipeline().end(1).ok());
  EXPECT_EQ(*simulation.add(camera()), 1u);
  EXPECT_EQ(*simulation.add(camera()), 3u);
  EXPECT_FALSE(simulation.pipeline().snapshot().streams[1].error);
  for (const std::uint32_t index : {1, 2, 3}) EXPECT_TRUE(simulation.pipeline().end(index).ok());
  simulation.clock().sleep_for(1s);
  EXPECT_EQ(*simulation.add(camera()), 1u);
  EXPECT_EQ(*simulation.add(camera()), 2u);
  simulation.pipeline().interrupt();
  EXPECT_EQ(simulation.finish().status.error().code, ErrorCode::kCancelled);
}

TEST(Streams, the_error_of_a_stream_that_was_given_up_is_not_the_pipelines) {
  Simulation simulation(open_pipeline({{.frames = 5, .fails_at = 3}}));
  simulation.clock().sleep_for(1s);
  EXPECT_TRUE(simulation.pipeline().end(0).ok());
  simulation.pipeline().interrupt();
  EXPECT_TRUE(simulation.finish().status.ok());
}

TEST(Streams, may_be_added_and_ended_by_those_who_are_told_of_an_end) {
  Simulation* running = nullptr;
  Scenario scenario = open_pipeline({{.frames = 5}, camera()});
  scenario.on_ended = [&](std::uint32_t stream) {
    if (stream != 0) return;
    EXPECT_EQ(*running->add({.frames = 7}), 2u);
    EXPECT_TRUE(running->pipeline().end(1).ok());
  };
  Simulation simulation(scenario);
  running = &simulation;
  simulation.clock().sleep_for(1s);
  simulation.pipeline().interrupt();
  const Outcome outcome = simulation.finish();
  EXPECT_TRUE(outcome.status.ok());
  EXPECT_EQ(sequences_of(outcome, 2), first(7));
}

TEST(Streams, a_pipeline_that_ends_with_its_streams_takes_more_until_then) {
  Scenario scenario;
  scenario.streams = {{.frames = 100, .read = {10ms}}};
  Simulation simulation(scenario);
  simulation.clock().sleep_for(500ms);
  EXPECT_EQ(*simulation.add({.frames = 100, .read = {10ms}}), 1u);
  simulation.clock().sleep_for(10s);
  const auto late = simulation.add({.frames = 1});
  EXPECT_EQ(late.error().code, ErrorCode::kCancelled);
  EXPECT_EQ(late.error().message, "pipeline: it has ended, or was told to");
  const Outcome outcome = simulation.finish();
  EXPECT_TRUE(outcome.status.ok());
  EXPECT_EQ(outcome.stats.elapsed, 1510ms);
  EXPECT_EQ(sequences_of(outcome, 1), first(100));
}

TEST(Streams, refuses_what_cannot_be_added_or_ended) {
  Simulation simulation(open_pipeline());
  EXPECT_EQ(simulation.pipeline().end(0).error().message, "pipeline: there is no stream 0");
  EXPECT_EQ(simulation.pipeline().add({}).error().message,
            "pipeline: the added stream has no source");
  EXPECT_EQ(simulation.add({.options = {.in_flight = 4097}}).error().message,
            "pipeline: the added stream: in_flight is 4097, expected 0..4096");
  simulation.pipeline().interrupt();
  EXPECT_EQ(simulation.add(camera()).error().code, ErrorCode::kCancelled);
  EXPECT_TRUE(simulation.finish().status.ok());
}

TEST(Streams, come_and_go_at_random_without_losing_sight_of_a_frame) {
  for_each_seed(150, [](std::uint64_t seed) {
    std::mt19937_64 random(seed);
    const auto any_stream = [&random] {
      StreamScenario stream;
      stream.frames = random() % 60;
      stream.read = {0ms, Duration(random() % 3'000'000)};
      stream.options = {static_cast<Admission>(random() % 3), random() % 6};
      stream.endless = random() % 2 == 0;
      if (random() % 4 == 0) stream.fails_at = random() % 20;
      return stream;
    };
    Scenario scenario = open_pipeline();
    for (std::uint64_t i = random() % 3; i > 0; --i) scenario.streams.push_back(any_stream());
    scenario.lanes = 1 + random() % 3;
    scenario.least_jobs = random() % 2;
    scenario.most_jobs = scenario.least_jobs + random() % 3;
    scenario.plan = scenario.prepare = scenario.finish = scenario.collect = {0ms, 300us};
    scenario.run = {random() % 2 * 1ms, 4ms};
    scenario.deliver = {0ms, random() % 2 * 3ms};
    scenario.run_fails = [](std::uint64_t job) { return job % 7 == 6; };
    Simulation simulation(scenario, seed);
    std::vector<std::uint32_t> present(scenario.streams.size());
    for (std::size_t i = 0; i < present.size(); ++i) present[i] = static_cast<std::uint32_t>(i);
    for (int step = 0; step < 30; ++step) {
      simulation.clock().sleep_for(Duration(random() % 10'000'000));
      if (random() % 2 == 0) {
        const auto index = simulation.add(any_stream());
        ASSERT_TRUE(index.ok());
        ASSERT_EQ(std::count(present.begin(), present.end(), *index), 0);
        present.push_back(*index);
      } else if (!present.empty()) {
        const auto place = present.begin() + static_cast<std::ptrdiff_t>(random() % present.size());
        ASSERT_TRUE(simulation.pipeline().end(*place).ok());
        present.erase(place);
      }
    }
    if (random() % 2 == 0) simulation.pipeline().interrupt();
    if (random() % 2 == 0) simulation.clock().sleep_for(Duration(random() % 10'000'000));
    simulation.pipeline().stop_now();
    static_cast<void>(simulation.finish());
  });
}

}  // namespace
}  // namespace osprey::pipeline
