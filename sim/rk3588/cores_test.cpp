// SPDX-License-Identifier: Apache-2.0
#include "sim/rk3588/cores.hpp"

#include <gtest/gtest.h>

namespace osprey::sim {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kAuto = 0, kCore0 = 1, kCore1 = 2, kCores01 = 3, kAllCores = 7;

// Runs last so long that none ends while a test books the next.
constexpr auto kRun = std::chrono::hours(1);

TEST(Cores, run_one_inference_after_the_other) {
  Cores cores;
  const auto first = cores.book(kCore1, kRun, 0);
  const auto second = cores.book(kCore1, kRun, 0);
  EXPECT_EQ(first.end - first.begin, kRun);
  EXPECT_EQ(second.begin, first.end);
  EXPECT_EQ(second.end - second.begin, kRun);
}

TEST(Cores, run_side_by_side) {
  Cores cores;
  const auto first = cores.book(kCore0, kRun, 0);
  const auto second = cores.book(kCore1, kRun, 0);
  EXPECT_LT(second.begin, first.end);
}

TEST(Cores, left_to_choose_are_those_that_are_free_first) {
  Cores cores;
  cores.book(kCore0, kRun, 0);
  cores.book(kCore1, kRun, 0);
  EXPECT_EQ(cores.book(kAuto, 2 * kRun, 0).mask, 4u);
  EXPECT_EQ(cores.book(kAuto, kRun, 0).mask, kCore0);
}

TEST(Cores, that_share_an_inference_wait_for_all_and_gain_what_the_law_says) {
  Cores cores;
  const auto alone = cores.book(kCore0, kRun, 0.5);
  const auto two = cores.book(kCores01, kRun, 0.5);
  EXPECT_EQ(two.begin, alone.end);
  EXPECT_EQ(two.end - two.begin, std::chrono::minutes(45));
  const auto three = cores.book(kAllCores, kRun, 1);
  EXPECT_EQ(three.begin, two.end);
  EXPECT_NEAR(std::chrono::duration<double>(three.end - three.begin).count(), 1200, 1e-6);
}

TEST(Cores, loads_are_of_what_was_done_not_of_what_is_booked) {
  Cores cores;
  cores.load();
  cores.book(kCore0, kRun, 0);
  std::array<double, Cores::kCount> load{};
  while (load[0] == 0) load = cores.load();
  EXPECT_LE(load[0], 1);
  EXPECT_EQ(load[1], 0);
}

}  // namespace
}  // namespace osprey::sim
