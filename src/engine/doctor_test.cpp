// SPDX-License-Identifier: Apache-2.0
#include "engine/doctor.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "board/board_testing.hpp"
#include "engine/doctor_sections.hpp"

namespace osprey::engine {
namespace {

/// The finding about `subject`, or one that says so.
Finding about(const std::vector<Finding>& findings, const std::string& subject) {
  const auto found = std::find_if(findings.begin(), findings.end(), [&](const Finding& finding) {
    return finding.subject == subject;
  });
  return found == findings.end() ? Finding{"", subject, Mark::kOk, "no such finding", ""} : *found;
}

std::vector<Finding> examined_npu(const board::FakeRoot& root, const Examination& what = {}) {
  Chart chart;
  examine_npu(root.files(), board::read_system(root.files()), what, chart);
  return chart.take();
}

TEST(Doctor, EveryWarningAndFailureSaysHowToMendIt) {
  board::FakeRoot root;
  root.write_rk3588();
  root.write_npu_clock(300'000'000);
  root.write_cooling(0, "cpufreq-cpu0", "3\n");
  Examination what;
  what.rknn_library = "/nowhere/librknnrt.so";
  what.needs_rknn = true;
  const auto findings = examine(root.files(), what);
  EXPECT_EQ(about(findings, "board").text, "Radxa ROCK 5B");
  EXPECT_EQ(about(findings, "runtime").mark, Mark::kFail);
  EXPECT_EQ(about(findings, "NPU").mark, Mark::kWarn);
  EXPECT_EQ(about(findings, "throttled").mark, Mark::kWarn);
  EXPECT_EQ(about(findings, "CPU").mark, Mark::kOk);
  for (const auto& finding : findings) {
    EXPECT_FALSE(finding.text.empty()) << finding.subject;
    EXPECT_TRUE(finding.mark < Mark::kWarn || !finding.mend.empty()) << finding.subject;
  }
}

TEST(Doctor, AMissingRuntimeIsAWarningOnABoardAndNothingOnAPc) {
  Examination what;
  what.rknn_library = "/nowhere/librknnrt.so";
  board::FakeRoot board;
  board.write_rk3588();
  EXPECT_EQ(about(examined_npu(board, what), "runtime").mark, Mark::kWarn);
  const board::FakeRoot pc;
  const auto findings = examined_npu(pc, what);
  ASSERT_EQ(findings.size(), 1);
  EXPECT_EQ(findings[0].mark, Mark::kNote);
}

TEST(Doctor, DriversAreJudgedByTheirVersion) {
  board::FakeRoot root;
  root.write_rk3588();
  EXPECT_EQ(about(examined_npu(root), "driver").mark, Mark::kOk);
  root.write("sys/module/rknpu/version", "0.9.3\n");
  EXPECT_EQ(about(examined_npu(root), "driver").mark, Mark::kNote);
  root.write("sys/module/rknpu/version", "0.8.8\n");
  EXPECT_EQ(about(examined_npu(root), "driver").mark, Mark::kWarn);
}

TEST(Doctor, TheMainlineDriverIsNamed) {
  board::FakeRoot root;
  root.write("proc/device-tree/compatible", "radxa,rock-5b");
  root.write("sys/firmware/devicetree/base/compatible", "radxa,rock-5b rockchip,rk3588");
  root.write("dev/accel/accel0", "");
  const auto findings = examined_npu(root);
  EXPECT_EQ(about(findings, "driver").mark, Mark::kWarn);
  EXPECT_NE(about(findings, "driver").text.find("rocket"), std::string::npos);
  EXPECT_EQ(about(findings, "device").mark, Mark::kWarn);
}

TEST(Doctor, AStuckCoreIsSeenInItsLoad) {
  board::FakeRoot root;
  root.write_rk3588();
  root.write_load("NPU load:  Core0: 99%, Core1: 99%, Core2: 429496%,\n");
  EXPECT_EQ(about(examined_npu(root), "load").mark, Mark::kWarn);
}

TEST(Doctor, ADeviceOfAGroupIsOpenedByJoiningIt) {
  EXPECT_EQ(access_mend({"/dev/dri/renderD129", "RKNPU", "render", false}),
            "sudo usermod -aG render $USER, then log in again");
  EXPECT_NE(access_mend({"/dev/rknpu", "", "root", false}).find("/etc/udev/rules.d"),
            std::string::npos);
}

TEST(Doctor, APowersavingGovernorIsWarnedOfUnlessTheProcessorChooses) {
  board::FakeRoot root;
  const auto policy = std::string("sys/devices/system/cpu/cpufreq/policy0/");
  root.write_policy("policy0", "408000", "1800000");
  root.write(policy + "scaling_governor", "powersave\n");
  const auto mark = [&] {
    Chart chart;
    examine_clocks(root.files(), chart);
    return about(chart.take(), "policy0").mark;
  };
  EXPECT_EQ(mark(), Mark::kWarn);
  root.write(policy + "scaling_driver", "intel_pstate\n");
  EXPECT_EQ(mark(), Mark::kOk);
}

TEST(Doctor, AClockThatIsHeldIsWarnedOfAlsoUnderTheFastestGovernor) {
  board::FakeRoot root;
  root.write_rk3588();
  root.write("sys/class/devfreq/fdab0000.npu/governor", "performance\n");
  root.write("sys/class/devfreq/fdab0000.npu/max_freq", "600000000\n");
  Chart chart;
  examine_clocks(root.files(), chart);
  const auto finding = about(chart.take(), "NPU");
  EXPECT_EQ(finding.mark, Mark::kWarn);
  EXPECT_NE(finding.mend.find("echo 1000000000 > /sys/class/devfreq/fdab0000.npu/max_freq"),
            std::string::npos);
}

}  // namespace
}  // namespace osprey::engine
