// SPDX-License-Identifier: Apache-2.0
#include "sim/rk3588/cores.hpp"

#include <gtest/gtest.h>

namespace osprey::sim {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kAuto = 0, kCore0 = 1, kCore1 = 2, kCores01 = 3, kAllCores = 7;

// Runs last so long that none ends while a test books the next.
constexpr auto kRun = std::chrono::hours(1);
const auto kNow = Cores::Clock::now();

TEST(Cores, run_one_inference_after_the_other) {
  Cores cores;
  const auto first = cores.book(kNow, kCore1, {.alone = kRun});
  const auto second = cores.book(kNow, kCore1, {.alone = kRun});
  EXPECT_EQ(first.end - first.begin, kRun);
  EXPECT_EQ(second.begin, first.end);
  EXPECT_EQ(second.end - second.begin, kRun);
}

TEST(Cores, run_side_by_side) {
  Cores cores;
  const auto first = cores.book(kNow, kCore0, {.alone = kRun});
  const auto second = cores.book(kNow, kCore1, {.alone = kRun});
  EXPECT_LT(second.begin, first.end);
}

TEST(Cores, left_to_choose_are_those_that_are_free_first) {
  Cores cores;
  cores.book(kNow, kCore0, {.alone = kRun});
  cores.book(kNow, kCore1, {.alone = kRun});
  EXPECT_EQ(cores.book(kNow, kAuto, {.alone = 2 * kRun}).mask, 4u);
  EXPECT_EQ(cores.book(kNow, kAuto, {.alone = kRun}).mask, kCore0);
}

TEST(Cores, that_share_an_inference_wait_for_all_and_gain_what_the_law_says) {
  Cores cores;
  const auto alone = cores.book(kNow, kCore0, {.alone = kRun, .parallel = 0.5});
  const auto two = cores.book(kNow, kCores01, {.alone = kRun, .parallel = 0.5});
  EXPECT_EQ(two.begin, alone.end);
  EXPECT_EQ(two.end - two.begin, std::chrono::minutes(45));
  const auto three = cores.book(kNow, kAllCores, {.alone = kRun, .parallel = 1});
  EXPECT_EQ(three.begin, two.end);
  EXPECT_NEAR(std::chrono::duration<double>(three.end - three.begin).count(), 1200, 1e-6);
}

TEST(Cores, divide_a_batch_by_pictures) {
  Cores cores;
  const Cost cost{.alone = kRun, .parallel = 0.5, .batch = 3};
  const auto one = cores.book(kNow, kCore0, cost);
  EXPECT_EQ(one.end - one.begin, 3 * kRun);
  const auto two = cores.book(kNow, kAuto, {.alone = kRun, .batch = 3, .auto_cores = 2});
  EXPECT_EQ(two.mask, 6u);
  EXPECT_EQ(two.end - two.begin, 2 * kRun);
}

TEST(Cores, that_hang_are_free_later_and_others_go_on) {
  Cores cores;
  cores.block(0, kNow + 5 * kRun);
  EXPECT_EQ(cores.book(kNow, kCore0, {.alone = kRun}).end, kNow + 6 * kRun);
  EXPECT_EQ(cores.book(kNow, kAuto, {.alone = kRun}).end, kNow + kRun);
}

TEST(Cores, loads_are_of_what_was_done_not_of_what_is_booked) {
  Cores cores;
  cores.load(kNow);
  cores.book(kNow, kCore0, {.alone = kRun});
  cores.book(kNow + 30min, kCore1, {.alone = kRun});
  const auto load = cores.load(kNow + kRun);
  EXPECT_EQ(load[0], 1);
  EXPECT_EQ(load[1], 0.5);
  EXPECT_EQ(load[2], 0);
  EXPECT_EQ(cores.load(kNow + 2 * kRun)[1], 0.5);
}

}  // namespace
}  // namespace osprey::sim
