// SPDX-License-Identifier: Apache-2.0
#include "board/machine.hpp"

#include <gtest/gtest.h>

#include "board/board_testing.hpp"

namespace osprey::board {
namespace {

TEST(Machine, OfAnRk3588IsRead) {
  FakeRoot root;
  root.write_rk3588();
  const auto system = read_system(root.files());
  EXPECT_EQ(system.name, "Debian GNU/Linux 12 (bookworm)");
  EXPECT_EQ(system.kernel, "6.1.115-vendor-rk35xx");
  EXPECT_EQ(system.model, "Radxa ROCK 5B");
  EXPECT_TRUE(system.rockchip);
  EXPECT_EQ(system.memory_kib, 8127460);
  const auto processor = read_processor(root.files());
  EXPECT_EQ(processor.name, "4 x Cortex-A55, 4 x Cortex-A76");
  EXPECT_EQ(processor.cores, 8);
  EXPECT_TRUE(processor.arm);
  EXPECT_TRUE(processor.has("asimddp"));
  EXPECT_FALSE(processor.has("i8mm"));
}

TEST(Machine, OfAPcIsRead) {
  FakeRoot root;
  root.write("proc/cpuinfo",
             "processor\t: 0\nmodel name\t: AMD EPYC\ncpu cores\t: 2\nflags\t\t: fpu avx2 fma\n\n"
             "processor\t: 1\nmodel name\t: AMD EPYC\ncpu cores\t: 2\nflags\t\t: fpu avx2 fma\n");
  const auto processor = read_processor(root.files());
  EXPECT_EQ(processor.name, "AMD EPYC");
  EXPECT_EQ(processor.cores, 2);
  EXPECT_FALSE(processor.arm);
  EXPECT_TRUE(processor.has("avx2"));
  EXPECT_FALSE(processor.has("avx"));
  EXPECT_FALSE(read_system(root.files()).rockchip);
}

TEST(Machine, ThatTellsNothingIsEmpty) {
  const FakeRoot root;
  EXPECT_EQ(read_system(root.files()).name, "");
  EXPECT_EQ(read_processor(root.files()).cores, 0);
  EXPECT_EQ(read_npu_driver(root.files()), "");
  EXPECT_TRUE(read_device_files(root.files()).empty());
}

TEST(Machine, TheNpusDriverTellsItsVersionInEitherForm) {
  FakeRoot root;
  root.write_rk3588();
  EXPECT_EQ(read_npu_driver(root.files()), "0.9.8");
  root.write("sys/module/rknpu/version", "0.9.7\n");
  EXPECT_EQ(read_npu_driver(root.files()), "0.9.7");
}

TEST(Machine, TheNpusRenderNodeIsKnownByItsDriver) {
  FakeRoot root;
  root.write_rk3588();
  const auto devices = read_device_files(root.files());
  ASSERT_EQ(devices.size(), 2);
  EXPECT_EQ(devices[0].driver, "mali");
  EXPECT_FALSE(devices[0].of_npu());
  EXPECT_EQ(devices[1].path, "/dev/dri/renderD129");
  EXPECT_TRUE(devices[1].of_npu());
  EXPECT_TRUE(devices[1].usable);
  EXPECT_FALSE(devices[1].group.empty());
}

}  // namespace
}  // namespace osprey::board
