// SPDX-License-Identifier: Apache-2.0
#include "pipeline/recent_latency.hpp"

#include <gtest/gtest.h>

#include "pipeline/buckets.hpp"

namespace osprey::pipeline {
namespace {

using namespace std::chrono_literals;
using base::Instant;

void expect_near(Duration actual, Duration expected) {
  EXPECT_NEAR(static_cast<double>(actual.count()), static_cast<double>(expected.count()),
              0.02 * static_cast<double>(expected.count()));
}

TEST(RecentLatency, is_all_zero_while_empty) {
  const RecentLatency recent{Instant()};
  EXPECT_EQ(recent.stats(Instant(1h)).p99, 0ms);
  EXPECT_EQ(recent.stats(Instant(1h)).max, 0ms);
}

TEST(RecentLatency, quantiles_are_within_two_percent) {
  RecentLatency recent{Instant()};
  for (int i = 1; i <= 1000; ++i) recent.add(i * 1ms, Instant(i * 20ms));
  const LatencyStats stats = recent.stats(Instant(20s));
  expect_near(stats.p50, 500ms);
  expect_near(stats.p95, 950ms);
  expect_near(stats.p99, 990ms);
  EXPECT_EQ(stats.max, 1000ms);
}

TEST(RecentLatency, forgets_what_is_older_than_a_minute) {
  RecentLatency recent{Instant()};
  recent.add(5s, Instant(1s));
  recent.add(10ms, Instant(25s));
  expect_near(recent.stats(Instant(59s)).max, 5s);
  EXPECT_EQ(recent.stats(Instant(60s)).max, 10ms);
  EXPECT_EQ(recent.stats(Instant(90s)).max, 0ms);
  recent.add(20ms, Instant(65s));
  EXPECT_EQ(recent.stats(Instant(65s)).max, 20ms);
  expect_near(recent.stats(Instant(65s)).p50, 10ms);
  recent.add(30ms, Instant(10h));
  EXPECT_EQ(recent.stats(Instant(10h)).p50, 30ms);
  EXPECT_EQ(recent.stats(Instant(10h)).max, 30ms);
}

TEST(RecentLatency, takes_the_extremes_of_its_type) {
  RecentLatency recent{Instant()};
  recent.add(Duration(-5), Instant());
  EXPECT_EQ(recent.stats(Instant()).p50, 0ms);
  recent.add(Duration::max(), Instant());
  EXPECT_EQ(recent.stats(Instant()).max, Duration::max());
}

TEST(Buckets, count_what_is_not_above_their_bound) {
  Buckets buckets;
  for (const Duration each : {Duration(-1), 1ms + 0ns, 1ms + 1ns, 100ms + 0ns, 1h + 0ns}) {
    buckets.add(each);
  }
  EXPECT_EQ(buckets.counts[0], 2u);
  EXPECT_EQ(buckets.counts[1], 1u);
  EXPECT_EQ(buckets.counts[8], 1u);
  EXPECT_EQ(buckets.counts.back(), 1u);
  EXPECT_EQ(buckets.count(), 5u);
  EXPECT_EQ(buckets.sum, 1h + 102ms);
}

}  // namespace
}  // namespace osprey::pipeline
