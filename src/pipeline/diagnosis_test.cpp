// SPDX-License-Identifier: Apache-2.0
// What limits a stream, told from simulated pipelines that are limited by just that.
#include "pipeline/diagnosis.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <random>
#include <regex>
#include <string>

#include "pipeline/simulation.hpp"

namespace osprey::pipeline {
namespace {

using base::Instant;
using simulation::for_each_seed;
using simulation::Scenario;
using simulation::Simulation;
using simulation::StreamScenario;
using namespace std::chrono_literals;

/// Frames at a pace, each up to half an interval late.
StreamScenario live_camera(double fps, std::uint64_t seed) {
  StreamScenario stream;
  stream.frames = 1'000'000;
  stream.options.admission = Admission::kDropOldest;
  const auto interval = static_cast<std::uint64_t>(1e9 / fps);
  stream.comes_at = [=](std::uint64_t n) {
    std::mt19937_64 jitter(seed * 1'000'003 + n);
    return Instant() + Duration(interval * (n + 1) + jitter() % (interval / 2));
  };
  return stream;
}

/// Three lanes of 15 ms, as an RK3588 has: 200 frames a second.
Scenario three_cores(std::vector<StreamScenario> streams) {
  Scenario scenario;
  scenario.streams = std::move(streams);
  scenario.until = Until::kTold;
  scenario.lanes = 3;
  scenario.prepare = scenario.finish = {1ms, 1ms};
  scenario.run = {14ms, 2ms};
  scenario.deliver = {200us, 200us};
  scenario.snapshot_every = 1000;
  return scenario;
}

/// The verdict on the first stream, of ten seconds, after five.
Diagnosis verdict(const Scenario& scenario, std::uint64_t seed, const SourceRates& source,
                  const SlowestSink& sink = {}) {
  Simulation simulation(scenario, seed);
  simulation.clock().sleep_for(5s);
  const Stats before = simulation.pipeline().snapshot();
  simulation.clock().sleep_for(10s);
  const Stats now = simulation.pipeline().snapshot();
  simulation.pipeline().stop_now();
  static_cast<void>(simulation.finish());
  return diagnose(0, before, now, source, sink);
}

void expect(const Diagnosis& diagnosis, Limit limit, const std::string& sentence) {
  EXPECT_STREQ(to_string(diagnosis.limit), to_string(limit));
  EXPECT_TRUE(std::regex_match(diagnosis.sentence, std::regex(sentence))) << diagnosis.sentence;
}

TEST(Diagnosis, a_camera_that_gives_less_than_it_declares) {
  for_each_seed(3, [](std::uint64_t seed) {
    expect(
        verdict(three_cores({live_camera(15, seed)}), seed, {.declared_fps = 25}), Limit::kSource,
        "camera delivers 1[45]\\.[0-9] fps of the 25 it declares; three lanes are [78] % busy; ask "
        "the camera for 25");
  });
}

TEST(Diagnosis, a_decoder_that_is_too_slow) {
  for_each_seed(3, [](std::uint64_t seed) {
    StreamScenario stream = live_camera(25, seed);
    stream.comes_at = nullptr;
    stream.read = {58ms, 8ms};
    const Scenario scenario = three_cores({stream});
    expect(verdict(scenario, seed,
                   {.declared_fps = 25,
                    .delivered_fps = 25,
                    .decoded_fps = 16.1,
                    .decode_seconds = 0.062}),
           Limit::kDecode,
           "decoding takes 62 ms a frame on one thread: 16\\.[0-9] fps of the camera's 25; three "
           "lanes "
           "are 8 % busy; use a hardware decoder or the camera's sub-stream");
    expect(verdict(scenario, seed, {.declared_fps = 25, .decode_seconds = 0.062, .hardware = true}),
           Limit::kDecode, ".* in hardware: .*; the camera's sub-stream is less work");
    // Pictures that are passed over cost the decoder some time too.
    expect(
        verdict(
            scenario, seed,
            {.declared_fps = 25, .delivered_fps = 25, .decoded_fps = 16, .decode_seconds = 0.04}),
        Limit::kDecode, "decoding takes 40 ms .*");
  });
}

TEST(Diagnosis, a_repeated_file_is_no_camera) {
  for_each_seed(3, [](std::uint64_t seed) {
    const Scenario scenario = three_cores({live_camera(15, seed)});
    expect(
        verdict(scenario, seed, {.declared_fps = 25, .decode_seconds = 0.005, .file = true}),
        Limit::kSource,
        "the file gives 1[45]\\.[0-9] of its 25; three lanes are [78] % busy; opening it anew .*");
    expect(verdict(scenario, seed, {.declared_fps = 25, .decode_seconds = 0.05, .file = true}),
           Limit::kDecode, "decoding takes 50 ms .*");
  });
}

TEST(Diagnosis, a_model_that_is_too_slow) {
  for_each_seed(3, [](std::uint64_t seed) {
    std::vector<StreamScenario> streams;
    for (std::uint64_t i = 0; i < 8; ++i) streams.push_back(live_camera(15, 10 * seed + i));
    Scenario scenario = three_cores(streams);
    scenario.lanes = 2;
    scenario.run = {130ms, 20ms};
    expect(
        verdict(scenario, seed, {.declared_fps = 15, .decode_seconds = 0.005}), Limit::kInference,
        "the model takes 1[34][0-9] ms a frame on two lanes: 14\\.[0-9] of the 120 frames a second "
        "that eight streams give; a smaller model, INT8 or more lanes make it faster");
  });
}

TEST(Diagnosis, a_sink_that_is_too_slow) {
  for_each_seed(3, [](std::uint64_t seed) {
    Scenario scenario = three_cores({live_camera(25, seed)});
    scenario.deliver = {75ms, 10ms};
    expect(verdict(scenario, seed, {.declared_fps = 25}), Limit::kOutput,
           "delivering takes (79|80|81) ms a frame on one thread: 12\\.[0-9] of the 25 frames a "
           "second that "
           "one stream gives; fewer or faster sinks help");
    expect(verdict(scenario, seed, {.declared_fps = 25}, {"mqtt", 0.08}), Limit::kOutput,
           "the sink 'mqtt' needs 80 ms each time: 12\\.[0-9] of the 25 frames .*; a faster one "
           "helps");
  });
}

TEST(Diagnosis, nothing) {
  for_each_seed(3, [](std::uint64_t seed) {
    const Scenario scenario = three_cores({live_camera(25, seed)});
    expect(verdict(scenario, seed, {.declared_fps = 25, .decode_seconds = 0.01}), Limit::kIdle,
           "camera delivers 2[45]\\.[0-9] fps, as it declares, all of which are looked at; three "
           "lanes are 1[234] % busy; there is room: ask the camera for more, or add cameras");
    for (const double declared : {0.0, 90000.0}) {
      expect(verdict(scenario, seed, {.declared_fps = declared}), Limit::kIdle,
             "camera delivers 2[45]\\.[0-9] fps, all of which are looked at; .*");
    }
    // A decoder at its limit that yet meets the camera's pace.
    expect(verdict(scenario, seed, {.declared_fps = 25, .decode_seconds = 0.038}), Limit::kIdle,
           ".*");
  });
}

TEST(Diagnosis, busy_lanes_that_come_along_are_no_limit) {
  std::vector<StreamScenario> streams;
  for (std::uint64_t i = 0; i < 7; ++i) streams.push_back(live_camera(25, i));
  expect(verdict(three_cores(streams), 1, {.declared_fps = 25}), Limit::kIdle,
         "camera delivers .* fps, as it declares, all of which are looked at; three lanes are "
         "8[0-9] % "
         "busy");
}

TEST(Diagnosis, lanes_whose_own_threads_are_too_slow) {
  Scenario scenario = three_cores({live_camera(60, 1)});
  scenario.lanes = 1;
  scenario.run = {5ms};
  scenario.prepare = {30ms, 4ms};
  expect(
      verdict(scenario, 1, {.declared_fps = 60}), Limit::kPreparation,
      "scaling pictures in and reading boxes out take 3[0-9] ms a frame, and one lane is 1[0-9] % "
      "busy; .*");
}

TEST(Diagnosis, a_camera_that_is_gone) {
  StreamScenario gone = live_camera(25, 1);
  gone.frames = 50;
  gone.endless = true;
  const Scenario scenario = three_cores({gone, live_camera(25, 2)});
  expect(verdict(scenario, 1, {.declared_fps = 25}), Limit::kDown,
         "no frame has come for 10\\.0 s");
  expect(verdict(scenario, 1, {.declared_fps = 25, .connected = false}), Limit::kDown,
         "the source is not connected: no frames come");
}

TEST(Diagnosis, files) {
  StreamScenario file;
  file.frames = 1'000'000;
  file.read = {20ms, 2ms};
  expect(verdict(three_cores({file}), 1, {.live = false}), Limit::kSource,
         "reading gives 4[78]\\.[0-9] fps, all of which are looked at; three lanes are 2[0-9] % "
         "busy; .*");
  expect(verdict(three_cores({file}), 1, {.decode_seconds = 0.02, .live = false}), Limit::kDecode,
         "decoding takes 20 ms a frame on one thread: 4[78]\\.[0-9] fps; three lanes are 2[0-9] % "
         "busy; "
         "a smaller video or several at once fill them");
  file.read = {1ms};
  expect(verdict(three_cores({file}), 1, {.decode_seconds = 0.001, .live = false}),
         Limit::kInference, "the model takes 15 ms a frame on three lanes: .*");
  Scenario slow_sink = three_cores({file});
  slow_sink.deliver = {30ms};
  expect(verdict(slow_sink, 1, {.decode_seconds = 0.001, .live = false}), Limit::kOutput,
         "delivering takes 30 ms .*");
}

TEST(Diagnosis, of_all_of_the_time_and_of_an_index_given_anew) {
  Stats now;
  now.elapsed = 10s;
  now.lanes.resize(1);
  now.streams.resize(1);
  now.streams[0].captured = now.streams[0].delivered = 150;
  now.streams[0].elapsed = 10s;
  EXPECT_EQ(diagnose(0, {}, now, {.declared_fps = 25}).limit, Limit::kSource);
  Stats before = now;
  before.streams[0].captured = 9000;
  now.elapsed = 20s;
  EXPECT_EQ(diagnose(0, before, now, {.declared_fps = 15}).limit, Limit::kIdle);
  EXPECT_EQ(diagnose(0, now, now, {}).limit, Limit::kDown);
}

}  // namespace
}  // namespace osprey::pipeline
