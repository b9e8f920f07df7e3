// SPDX-License-Identifier: Apache-2.0
#include "core/usual_duration.hpp"

#include <gtest/gtest.h>

namespace osprey {
namespace {

using namespace std::chrono_literals;

TEST(UsualDuration, knows_nothing_at_first) {
  const UsualDuration usual;
  EXPECT_FALSE(usual.known());
  EXPECT_EQ(usual.shortest(), 0ms);
  EXPECT_EQ(usual.longest(), 0ms);
}

TEST(UsualDuration, takes_the_first_for_little) {
  UsualDuration usual;
  usual.add(100ms);
  EXPECT_TRUE(usual.known());
  EXPECT_EQ(usual.shortest(), 0ms);
  EXPECT_EQ(usual.longest(), 300ms);
}

TEST(UsualDuration, narrows_where_all_are_alike) {
  UsualDuration usual;
  for (int i = 0; i < 100; ++i) usual.add(100ms);
  EXPECT_EQ(usual.shortest(), usual.longest());
  EXPECT_EQ(usual.longest(), 100ms);
}

TEST(UsualDuration, holds_what_varies_between_its_bounds) {
  UsualDuration usual;
  for (int i = 0; i < 100; ++i) {
    usual.add(i % 2 == 0 ? 90ms : 110ms);
    if (i < 20) continue;
    EXPECT_LT(usual.shortest(), 90ms);
    EXPECT_GT(usual.shortest(), 40ms);
    EXPECT_GT(usual.longest(), 110ms);
    EXPECT_LT(usual.longest(), 160ms);
  }
}

TEST(UsualDuration, forgets_what_was) {
  UsualDuration usual;
  for (int i = 0; i < 100; ++i) usual.add(100ms);
  for (int i = 0; i < 100; ++i) usual.add(10ms);
  EXPECT_LT(usual.longest(), 10100us);
  EXPECT_GT(usual.shortest(), 9900us);
}

}  // namespace
}  // namespace osprey
