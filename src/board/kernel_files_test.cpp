// SPDX-License-Identifier: Apache-2.0
#include "board/kernel_files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "board/board_testing.hpp"

namespace osprey::board {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(KernelFiles, TextsLoseTheirLineEndsAndZeroBytes) {
  FakeRoot root;
  root.write("a", std::string("Radxa ROCK 5B\0", 14));
  root.write("b", "two\nlines\n\n");
  root.write("blank", " \n");
  EXPECT_EQ(root.files().text("a"), "Radxa ROCK 5B");
  EXPECT_EQ(root.files().text("b"), "two\nlines");
  EXPECT_EQ(root.files().text("blank"), std::nullopt);
  EXPECT_EQ(root.files().text("absent"), std::nullopt);
}

TEST(KernelFiles, NumbersAreThoseAFileBeginsWith) {
  FakeRoot root;
  root.write("hertz", "1000000000\n");
  root.write("load", "47@200000000Hz\n");
  root.write("text", "performance\n");
  EXPECT_EQ(root.files().number("hertz"), 1'000'000'000);
  EXPECT_EQ(root.files().number("load"), 47);
  EXPECT_EQ(root.files().number("text"), std::nullopt);
}

TEST(KernelFiles, MatchesComeByNumber) {
  FakeRoot root;
  for (const char* name : {"zone10", "zone2", "zone1", "other"})
    root.write(name + std::string("/type"), "x");
  EXPECT_THAT(root.files().matches("zone*"), ElementsAre("zone1", "zone2", "zone10"));
  EXPECT_THAT(root.files().matches("absent/*"), IsEmpty());
}

TEST(KernelFiles, AFileOfRootsIsRefusedAndAnAbsentOneIsNot) {
  FakeRoot root;
  root.write("debug/rknpu/load", "NPU load:  0%\n");
  EXPECT_FALSE(root.files().refused("debug/rknpu/load"));
  EXPECT_FALSE(root.files().refused("debug/rknpu/absent"));
  if (geteuid() == 0) GTEST_SKIP() << "root may read everything";
  std::filesystem::permissions(root.path() / "debug", std::filesystem::perms::none);
  EXPECT_TRUE(root.files().refused("debug/rknpu/load"));
  EXPECT_EQ(root.files().text("debug/rknpu/load"), std::nullopt);
  std::filesystem::permissions(root.path() / "debug", std::filesystem::perms::owner_all);
}

TEST(KernelFiles, TheEnvironmentNamesAnotherRoot) {
  EXPECT_EQ(KernelFiles::of_this_machine().root(), "/");
  setenv("OSPREY_SYSTEM_ROOT", "/host", 1);
  EXPECT_EQ(KernelFiles::of_this_machine().root(), "/host");
  unsetenv("OSPREY_SYSTEM_ROOT");
}

}  // namespace
}  // namespace osprey::board
