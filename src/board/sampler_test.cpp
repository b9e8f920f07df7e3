// SPDX-License-Identifier: Apache-2.0
#include "board/sampler.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "board/board_testing.hpp"

namespace osprey::board {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

base::Instant at(int milliseconds) {
  return base::Instant(std::chrono::milliseconds(milliseconds));
}

TEST(Sampler, SamplesOnceASecondHoweverOftenItIsAsked) {
  FakeRoot root;
  root.write_rk3588();
  Sampler sampler(root.files());
  for (int time = 0; time <= 3000; time += 200) sampler.sample(at(time));
  EXPECT_EQ(sampler.finish().samples, 3);
}

TEST(Sampler, KeepsMeanAndHighestLoadOfEachCore) {
  FakeRoot root;
  root.write_rk3588();
  Sampler sampler(root.files());
  sampler.sample(at(0));
  root.write_load("NPU load:  Core0: 90%, Core1: 80%, Core2:  0%,\n");
  sampler.sample(at(1000));
  root.write_load("NPU load:  Core0:100%, Core1: 60%, Core2: 429496%,\n");
  sampler.sample(at(2000));
  const auto seen = sampler.finish();
  ASSERT_EQ(seen.npu_load.size(), 3);
  EXPECT_DOUBLE_EQ(seen.npu_load[0].mean, 95);
  EXPECT_EQ(seen.npu_load[1].most, 80);
  EXPECT_DOUBLE_EQ(seen.npu_load[2].mean, 50) << "a core is busy all the time at most";
}

TEST(Sampler, AShortRunIsMeasuredAtItsEnd) {
  FakeRoot root;
  root.write_rk3588();
  Sampler sampler(root.files());
  sampler.sample(at(0));
  const auto seen = sampler.finish();
  EXPECT_EQ(seen.samples, 1);
  EXPECT_DOUBLE_EQ(seen.npu_load[0].mean, 40);
}

TEST(Sampler, AnIdleNpusClockDoesNotCount) {
  FakeRoot root;
  root.write_rk3588();
  Sampler sampler(root.files());
  sampler.sample(at(0));
  root.write_load("NPU load:  Core0:  0%, Core1:  3%, Core2:  0%,\n");
  root.write_npu_clock(300'000'000);
  sampler.sample(at(1000));
  root.write_load("NPU load:  Core0: 98%, Core1:  0%, Core2:  0%,\n");
  root.write_npu_clock(1'000'000'000);
  sampler.sample(at(2000));
  root.write_npu_clock(600'000'000);
  sampler.sample(at(3000));
  const auto seen = sampler.finish();
  ASSERT_TRUE(seen.npu_clock);
  EXPECT_EQ(seen.npu_clock->lowest, 600);
  EXPECT_EQ(seen.npu_clock->highest, 1000);
  EXPECT_EQ(seen.npu_clock->last.highest_mhz, 1000);
}

TEST(Sampler, TheNpusTemperatureGoesBeforeOthersAndThrottlingIsRemembered) {
  FakeRoot root;
  root.write_rk3588();
  Sampler sampler(root.files());
  sampler.sample(at(0));
  root.write_zone(6, "npu-thermal", "84900\n");
  root.write_cooling(3, "devfreq-fdab0000.npu", "1\n");
  sampler.sample(at(1000));
  root.write_zone(6, "npu-thermal", "70000\n");
  root.write_zone(0, "soc-thermal", "90000\n");
  root.write_cooling(3, "devfreq-fdab0000.npu", "0\n");
  sampler.sample(at(2000));
  const auto seen = sampler.finish();
  ASSERT_TRUE(seen.hottest);
  EXPECT_EQ(seen.hottest->zone, "npu-thermal");
  EXPECT_DOUBLE_EQ(seen.hottest->celsius, 84.9);
  EXPECT_THAT(seen.throttled, ElementsAre("devfreq-fdab0000.npu"));
}

TEST(Sampler, WithoutMetersNothingIsSeen) {
  const FakeRoot root;
  Sampler sampler(root.files());
  const auto seen = sampler.finish();
  EXPECT_THAT(seen.npu_load, IsEmpty());
  EXPECT_FALSE(seen.npu_clock);
  EXPECT_FALSE(seen.memory_clock);
  EXPECT_FALSE(seen.hottest);
  EXPECT_THAT(seen.throttled, IsEmpty());
}

}  // namespace
}  // namespace osprey::board
