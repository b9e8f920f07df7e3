// SPDX-License-Identifier: Apache-2.0
#include "board/meters.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "board/board_testing.hpp"

namespace osprey::board {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(NpuLoad, IsReadForThreeCoresAndForOne) {
  EXPECT_THAT(parse_npu_load("NPU load:  Core0: 40%, Core1:  0%, Core2: 18%,"),
              ElementsAre(40, 0, 18));
  EXPECT_THAT(parse_npu_load("NPU load:  Core0:100%, Core1: 99%,"), ElementsAre(100, 99));
  EXPECT_THAT(parse_npu_load("NPU load:  37%"), ElementsAre(37));
}

TEST(NpuLoad, OfAStuckNpuIsWhatItSays) {
  EXPECT_THAT(parse_npu_load("NPU load:  Core0: 99%, Core1: 99%, Core2: 429496%,"),
              ElementsAre(99, 99, 429496));
}

TEST(NpuLoad, OfOtherTextsIsEmpty) {
  for (const char* text : {"", "NPU load:", "NPU load:  Core0: %", "47@200000000Hz", "load 5%",
                           "NPU load: 99999999999999999999%"}) {
    EXPECT_THAT(parse_npu_load(text), IsEmpty()) << text;
  }
}

TEST(Meters, OfAnRk3588AreRead) {
  FakeRoot root;
  root.write_rk3588();
  const auto files = root.files();
  EXPECT_THAT(read_npu_load(files), ElementsAre(40, 0, 18));
  const auto npu = read_npu_clock(files);
  ASSERT_TRUE(npu);
  EXPECT_EQ(npu->folder, "/sys/class/devfreq/fdab0000.npu");
  EXPECT_EQ(npu->governor, "rknpu_ondemand");
  EXPECT_EQ(npu->choices.size(), 6);
  EXPECT_EQ(npu->mhz, 1000);
  EXPECT_EQ(npu->highest_mhz, 1000);
  const auto memory = read_memory_clock(files);
  ASSERT_TRUE(memory);
  EXPECT_EQ(memory->mhz, 2112);
  const auto processor = read_processor_clocks(files);
  ASSERT_EQ(processor.size(), 2);
  EXPECT_EQ(processor[1].folder, "/sys/devices/system/cpu/cpufreq/policy4");
  EXPECT_EQ(processor[1].mhz, 408);
  EXPECT_EQ(processor[1].highest_mhz, 2256);
  const auto temperatures = read_temperatures(files);
  ASSERT_EQ(temperatures.size(), 3);
  EXPECT_EQ(temperatures[2].zone, "npu-thermal");
  EXPECT_DOUBLE_EQ(temperatures[2].celsius, 46.23);
}

TEST(Meters, OfAMachineWithoutThemAreAbsent) {
  const FakeRoot root;
  EXPECT_THAT(read_npu_load(root.files()), IsEmpty());
  EXPECT_FALSE(npu_load_refused(root.files()));
  EXPECT_FALSE(read_npu_clock(root.files()));
  EXPECT_FALSE(read_memory_clock(root.files()));
  EXPECT_THAT(read_processor_clocks(root.files()), IsEmpty());
  EXPECT_THAT(read_temperatures(root.files()), IsEmpty());
  EXPECT_THAT(read_throttling(root.files()), IsEmpty());
}

TEST(Meters, TheLoadIsAlsoFoundWhereEverybodyMayReadIt) {
  FakeRoot root;
  root.write("proc/rknpu/load", "NPU load:  7%\n");
  EXPECT_THAT(read_npu_load(root.files()), ElementsAre(7));
}

TEST(Meters, ALimitBelowWhatTheHardwareHasIsSeen) {
  FakeRoot root;
  root.write_rk3588();
  root.write("sys/class/devfreq/fdab0000.npu/max_freq", "600000000\n");
  const auto npu = read_npu_clock(root.files());
  EXPECT_EQ(npu->allowed_mhz, 600);
  EXPECT_EQ(npu->highest_mhz, 1000);
}

TEST(Throttling, IsAClockHeldBackAndNotAFanThatTurns) {
  FakeRoot root;
  root.write_rk3588();
  EXPECT_THAT(read_throttling(root.files()), IsEmpty());
  root.write_cooling(1, "thermal-cpufreq-1", "4\n");
  root.write_cooling(3, "devfreq-fdab0000.npu", "2\n");
  root.write_cooling(5, "intel_powerclamp", "-1\n");
  EXPECT_THAT(read_throttling(root.files()),
              ElementsAre("thermal-cpufreq-1", "devfreq-fdab0000.npu"));
}

}  // namespace
}  // namespace osprey::board
