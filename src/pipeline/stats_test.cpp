// SPDX-License-Identifier: Apache-2.0
#include "pipeline/stats.hpp"

#include <gtest/gtest.h>

namespace osprey::pipeline {
namespace {

using namespace std::chrono_literals;

/// Two lanes over ten seconds, so 20 s of lane time.
Stats two_lanes(Duration busy, Duration starved_by_source, Duration starved_by_output) {
  Stats stats;
  stats.elapsed = 10s;
  stats.lanes.resize(2);
  stats.lanes[0].busy = busy / 2;
  stats.lanes[1].busy = busy - busy / 2;
  stats.starved_by_source = starved_by_source;
  stats.starved_by_output = starved_by_output;
  return stats;
}

TEST(BoundBy, saturated_lanes_mean_inference) {
  const BoundBy verdict = bound_by(two_lanes(19s, 1s, 0s));
  EXPECT_EQ(verdict.bound, Bound::kInference);
  EXPECT_DOUBLE_EQ(verdict.inference, 0.95);
  EXPECT_DOUBLE_EQ(two_lanes(19s, 1s, 0s).utilisation(), 0.95);
}

TEST(BoundBy, lanes_mostly_busy_but_kept_waiting_are_not_the_bound) {
  EXPECT_EQ(bound_by(two_lanes(14s, 5s, 1s)).bound, Bound::kSource);
  EXPECT_EQ(bound_by(two_lanes(14s, 1s, 5s)).bound, Bound::kOutput);
}

TEST(BoundBy, time_neither_busy_nor_starved_is_preparation) {
  const BoundBy verdict = bound_by(two_lanes(8s, 2s, 1s));
  EXPECT_EQ(verdict.bound, Bound::kPreparation);
  EXPECT_DOUBLE_EQ(verdict.preparation, 0.45);
}

TEST(BoundBy, the_shares_add_up_to_one) {
  const BoundBy verdict = bound_by(two_lanes(7s, 6s, 4s));
  EXPECT_DOUBLE_EQ(verdict.inference + verdict.preparation + verdict.source + verdict.output, 1);
}

TEST(BoundBy, nothing_has_a_share_before_time_has_passed) {
  const BoundBy verdict = bound_by(Stats{});
  EXPECT_EQ(verdict.inference + verdict.preparation + verdict.source + verdict.output, 0);
}

TEST(StreamStats, the_ledger_balances_only_if_no_frame_is_missing) {
  StreamStats stream;
  stream.captured = 10;
  stream.delivered = 5;
  stream.dropped_by = {1, 1, 1, 1};
  stream.in_flight = 1;
  EXPECT_TRUE(stream.balanced());
  stream.in_flight = 0;
  EXPECT_FALSE(stream.balanced());
}

TEST(Stats, reasons_and_bounds_have_names) {
  EXPECT_STREQ(to_string(DropReason::kOldest), "oldest");
  EXPECT_STREQ(to_string(DropReason::kNewest), "newest");
  EXPECT_STREQ(to_string(DropReason::kStopped), "stopped");
  EXPECT_STREQ(to_string(DropReason::kTooOld), "too_old");
  EXPECT_STREQ(to_string(Bound::kSource), "source");
  EXPECT_STREQ(to_string(Bound::kPreparation), "preparation");
  EXPECT_STREQ(to_string(Bound::kInference), "inference");
  EXPECT_STREQ(to_string(Bound::kOutput), "output");
}

}  // namespace
}  // namespace osprey::pipeline
