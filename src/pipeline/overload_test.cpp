// SPDX-License-Identifier: Apache-2.0
// More frames than the lanes can take, on a simulated clock: how old frames get, and who is served.
#include <gtest/gtest.h>

#include <algorithm>
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
using simulation::StreamScenario;
using namespace std::chrono_literals;

Duration times(Duration duration, double factor) {
  return Duration(static_cast<Duration::rep>(static_cast<double>(duration.count()) * factor));
}

/// Frames at an even pace, each up to a quarter of an interval late, in bursts of so many.
StreamScenario camera(double fps, Duration lasts, std::uint64_t seed, std::uint64_t burst = 1) {
  StreamScenario stream;
  const Duration interval = times(1s, 1 / fps);
  stream.frames = static_cast<std::uint64_t>(lasts / interval);
  stream.options.admission = Admission::kDropOldest;
  std::mt19937_64 random(seed);
  const Duration phase(static_cast<Duration::rep>(
      random() % static_cast<std::uint64_t>((interval * static_cast<int>(burst)).count())));
  stream.comes_at = [=](std::uint64_t n) {
    std::mt19937_64 jitter(seed * 1'000'003 + n / burst);
    const auto late = jitter() % static_cast<std::uint64_t>(interval.count() / 4);
    const auto last_of_burst = static_cast<Duration::rep>(n / burst * burst + burst - 1);
    return Instant() + phase + interval * last_of_burst + Duration(late);
  };
  return stream;
}

/// Two lanes of 140 ms: 14.3 frames a second.
Scenario two_slow_lanes() {
  Scenario scenario;
  scenario.lanes = 2;
  scenario.plan = {100us, 4ms};
  scenario.prepare = {3ms, 1ms};
  scenario.run = {130ms, 20ms};
  scenario.finish = {1ms};
  scenario.deliver = {500us};
  scenario.snapshot_every = 1000;
  return scenario;
}
constexpr Duration kRun = 140ms;
constexpr Duration kLong = std::chrono::minutes(10);

/// From one of a stream's turns to the next, if every stream takes its turns.
Duration round_of(const Scenario& scenario) {
  return kRun * static_cast<int>(scenario.streams.size()) / static_cast<int>(scenario.lanes);
}

/// The promise: frame age p99 <= 2 rounds, the lanes are full, and nobody's share of `sharers`
/// differs by more than 5 % from the mean.
void expect_promise(const Outcome& outcome, const Scenario& scenario,
                    std::vector<std::size_t> sharers = {}) {
  EXPECT_TRUE(outcome.status.ok());
  EXPECT_GT(outcome.stats.utilisation(), 0.98);
  const Duration bound = 2 * round_of(scenario);
  for (std::size_t i = 0; i < outcome.stats.streams.size(); ++i) {
    const StreamStats& stream = outcome.stats.streams[i];
    EXPECT_LE(stream.latency.p99, bound) << "stream " << i;
  }
  if (sharers.empty()) {
    for (std::size_t i = 0; i < scenario.streams.size(); ++i) sharers.push_back(i);
  }
  double sum = 0;
  for (const auto i : sharers) sum += static_cast<double>(outcome.stats.streams[i].delivered);
  const double share = sum / static_cast<double>(sharers.size());
  for (const auto i : sharers) {
    const auto delivered = static_cast<double>(outcome.stats.streams[i].delivered);
    EXPECT_NEAR(delivered, share, 0.05 * share) << "stream " << i;
  }
}

TEST(Overload, eight_cameras_at_4_times_what_lanes_can_do_share_them_and_their_frames_stay_young) {
  for_each_seed(1, [](std::uint64_t seed) {
    Scenario scenario = two_slow_lanes();
    scenario.streams.clear();
    for (std::uint64_t i = 0; i < 8; ++i) {
      scenario.streams.push_back(camera(4 * 14.3 / 8, kLong, 10 * seed + i));
    }
    const Outcome outcome = run(scenario, seed);
    expect_promise(outcome, scenario);
    for (const auto most : outcome.most_live) EXPECT_LE(most, 9);
  });
}

class Rates : public testing::TestWithParam<std::vector<double>> {};

TEST_P(Rates, do_not_matter_for_a_streams_share_and_its_frames_age) {
  Scenario scenario = two_slow_lanes();
  scenario.streams.clear();
  for (const double fps : GetParam()) {
    scenario.streams.push_back(camera(fps, 1min, scenario.streams.size()));
  }
  const Outcome outcome = run(scenario, 1);
  expect_promise(outcome, scenario);
}

INSTANTIATE_TEST_SUITE_P(, Rates,
                         testing::Values(std::vector<double>(8, 14), std::vector<double>(8, 30),
                                         std::vector<double>(8, 2.2), std::vector<double>(16, 25),
                                         std::vector<double>{30, 30, 30, 30, 5, 5, 5, 5},
                                         std::vector<double>{60, 3, 3, 3, 3, 3, 3, 3},
                                         std::vector<double>{25, 12, 5, 4}));

TEST(Overload, a_camera_of_its_own_lane_has_frames_little_more_than_a_run_old) {
  Scenario scenario = two_slow_lanes();
  scenario.streams = {camera(28.6, 1min, 1), camera(28.6, 1min, 2)};
  const Outcome outcome = run(scenario, 1);
  for (const StreamStats& stream : outcome.stats.streams) {
    // At most half a turn in the queue and, for runs differ, some 50 ms in the lane; then its run.
    EXPECT_LE(stream.latency.p99, 75ms + 60ms + 150ms);
    EXPECT_LE(stream.latency.p50, 210ms);
    EXPECT_NEAR(static_cast<double>(stream.delivered), 60 / 0.14, 10);
  }
}

TEST(Overload, what_surrounds_a_run_on_the_device_makes_no_pause_between_runs) {
  Scenario scenario;
  scenario.lanes = 3;
  scenario.prepare = {2ms};
  scenario.run = {13600us};
  scenario.hand_in = 1ms;
  scenario.fetch = 2ms;
  scenario.snapshot_every = 1000;
  scenario.streams.clear();
  for (std::uint64_t i = 0; i < 4; ++i) scenario.streams.push_back(camera(120, 1min, i));
  const Outcome outcome = run(scenario, 1);
  std::uint64_t delivered = 0;
  for (const StreamStats& stream : outcome.stats.streams) delivered += stream.delivered;
  EXPECT_GT(static_cast<double>(delivered), 0.99 * 3 * 60 / 0.0136);
}

TEST(Overload, frames_of_one_camera_meet_in_a_batch) {
  Scenario scenario;
  scenario.batch = 4;
  scenario.run = {80ms};
  scenario.streams = {camera(40, 1min, 1)};
  const Outcome outcome = run(scenario, 1);
  EXPECT_EQ(outcome.stats.streams[0].dropped(), 0u);
}

TEST(Overload, bursts_do_not_make_frames_older) {
  Scenario scenario = two_slow_lanes();
  scenario.streams.clear();
  for (std::uint64_t i = 0; i < 8; ++i) {
    scenario.streams.push_back(camera(14, 1min, i, i % 2 == 0 ? 1 : 10));
  }
  expect_promise(run(scenario, 1), scenario, {0, 2, 4, 6});
}

TEST(Overload, a_camera_below_its_share_loses_nothing) {
  Scenario scenario = two_slow_lanes();
  scenario.streams.clear();
  for (std::uint64_t i = 0; i < 7; ++i) scenario.streams.push_back(camera(20, 1min, i));
  scenario.streams.push_back(camera(1, 1min, 7));
  const Outcome outcome = run(scenario, 1);
  expect_promise(outcome, scenario, {0, 1, 2, 3, 4, 5, 6});
  EXPECT_EQ(outcome.stats.streams[7].dropped(), 0u);
}

TEST(Overload, tiles_of_frames_make_rounds_longer_but_no_more) {
  Scenario scenario = two_slow_lanes();
  scenario.streams.clear();
  for (std::uint64_t i = 0; i < 8; ++i) scenario.streams.push_back(camera(10, 2min, i));
  scenario.least_jobs = scenario.most_jobs = 3;
  const Outcome outcome = run(scenario, 1);
  for (const StreamStats& stream : outcome.stats.streams) {
    EXPECT_LE(stream.latency.p99, 3 * 2 * round_of(scenario));
    EXPECT_NEAR(static_cast<double>(stream.delivered), 120 / (0.14 * 3 * 8 / 2), 7);
  }
}

TEST(Overload, with_a_lane_out_of_use_frames_age_with_the_rounds) {
  Scenario scenario = two_slow_lanes();
  scenario.streams.clear();
  for (std::uint64_t i = 0; i < 8; ++i) scenario.streams.push_back(camera(10, 2min, i));
  scenario.fault = [](std::size_t lane, std::uint64_t n) {
    return lane == 1 && n > 100 ? simulation::Fault::kFails : simulation::Fault::kNone;
  };
  const Outcome outcome = run(scenario, 1);
  for (const StreamStats& stream : outcome.stats.streams) {
    EXPECT_LE(stream.latency.p99, 2 * 2 * round_of(scenario));
  }
}

TEST(Overload, bursts_that_the_lanes_can_take_are_worked_off_without_loss) {
  for_each_seed(3, [](std::uint64_t seed) {
    Scenario scenario;
    scenario.lanes = 3;
    scenario.prepare = {1ms};
    scenario.run = {15ms};
    scenario.streams = {camera(25, 2min, seed, 8)};
    scenario.snapshot_every = 1000;
    const Outcome outcome = run(scenario, seed);
    EXPECT_EQ(outcome.stats.streams[0].dropped(), 0u);
    EXPECT_LE(outcome.stats.latency.max, 60ms);
  });
}

TEST(Overload, jitter_costs_no_frames_where_lanes_are_half_busy) {
  Scenario scenario = two_slow_lanes();
  scenario.run = {15ms, 5ms};
  scenario.streams.clear();
  for (std::uint64_t i = 0; i < 4; ++i) scenario.streams.push_back(camera(12, 1min, i));
  const Outcome outcome = run(scenario, 1);
  for (const StreamStats& stream : outcome.stats.streams) EXPECT_EQ(stream.dropped(), 0u);
}

TEST(Overload, frames_older_than_their_stream_allows_never_reach_a_lane) {
  for (const auto admission : {Admission::kWait, Admission::kDropOldest, Admission::kDropNewest}) {
    Scenario scenario;
    scenario.streams = {{.frames = 300, .read = {5ms}, .options = {admission, 6, 30ms}}};
    scenario.run = {20ms};
    const Outcome outcome = run(scenario);
    EXPECT_TRUE(outcome.status.ok());
    // At most 30 ms in the queue, then the run before it and its own.
    EXPECT_LE(outcome.stats.latency.max, 70ms);
    EXPECT_GT(outcome.stats.streams[0].delivered, 70u);
    if (admission == Admission::kDropOldest) continue;
    EXPECT_GT(outcome.stats.streams[0].dropped_by[static_cast<std::size_t>(DropReason::kTooOld)],
              10u);
  }
}

TEST(Overload, a_reader_that_waits_goes_on_when_a_frame_became_too_old) {
  Scenario scenario;
  scenario.streams = {{.frames = 20, .options = {Admission::kWait, 2, 50ms}}};
  scenario.run = {100ms};
  const Outcome outcome = run(scenario);
  EXPECT_TRUE(outcome.status.ok());
  EXPECT_EQ(outcome.stats.streams[0].captured, 20u);
}

}  // namespace
}  // namespace osprey::pipeline
