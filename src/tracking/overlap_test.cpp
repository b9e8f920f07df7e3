// SPDX-License-Identifier: Apache-2.0
#include "tracking/overlap.hpp"

#include <gtest/gtest.h>

namespace osprey::tracking {
namespace {

TEST(Overlap, is_intersection_over_union) {
  EXPECT_DOUBLE_EQ(overlap_of({0, 0, 10, 10}, {5, 0, 15, 10}), 1.0 / 3);
  EXPECT_DOUBLE_EQ(overlap_of({0, 0, 10, 10}, {0, 0, 10, 10}), 1);
  EXPECT_DOUBLE_EQ(overlap_of({0, 0, 10, 10}, {10, 0, 20, 10}), 0);
  EXPECT_DOUBLE_EQ(overlap_of({5, 5, 5, 5}, {0, 0, 10, 10}), 0);
}

}  // namespace
}  // namespace osprey::tracking
