// SPDX-License-Identifier: Apache-2.0
#include "pipeline/latency_histogram.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace osprey::pipeline {
namespace {

Duration exact_quantile(std::vector<Duration> values, double q) {
  std::sort(values.begin(), values.end());
  const auto rank = static_cast<std::size_t>(std::ceil(q * static_cast<double>(values.size())));
  return values[rank - 1];
}

void expect_within_one_percent(Duration actual, Duration expected) {
  EXPECT_NEAR(static_cast<double>(actual.count()), static_cast<double>(expected.count()),
              0.01 * static_cast<double>(expected.count()));
}

TEST(LatencyHistogram, is_all_zero_while_empty) {
  const LatencyStats stats = LatencyHistogram().stats();
  EXPECT_EQ(stats.p50, Duration(0));
  EXPECT_EQ(stats.max, Duration(0));
}

TEST(LatencyHistogram, gives_small_values_and_the_maximum_exactly) {
  LatencyHistogram histogram;
  for (int i = 1; i <= 100; ++i) histogram.add(Duration(i));
  EXPECT_EQ(histogram.stats().p50, Duration(50));
  EXPECT_EQ(histogram.stats().p95, Duration(95));
  EXPECT_EQ(histogram.stats().p99, Duration(99));
  EXPECT_EQ(histogram.stats().max, Duration(100));
}

TEST(LatencyHistogram, quantiles_are_within_one_percent_of_a_sorted_lists) {
  for (unsigned seed = 0; seed < 10; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937_64 random(seed);
    std::lognormal_distribution<double> latency(15 + seed, 1.5);
    LatencyHistogram histogram;
    std::vector<Duration> values;
    for (int i = 0; i < 5000; ++i) {
      values.push_back(Duration(static_cast<Duration::rep>(latency(random))));
      histogram.add(values.back());
    }
    const LatencyStats stats = histogram.stats();
    expect_within_one_percent(stats.p50, exact_quantile(values, 0.50));
    expect_within_one_percent(stats.p95, exact_quantile(values, 0.95));
    expect_within_one_percent(stats.p99, exact_quantile(values, 0.99));
    EXPECT_EQ(stats.max, *std::max_element(values.begin(), values.end()));
  }
}

TEST(LatencyHistogram, takes_the_extremes_of_its_type) {
  LatencyHistogram histogram;
  histogram.add(Duration::max());
  EXPECT_EQ(histogram.stats().max, Duration::max());
  expect_within_one_percent(histogram.stats().p50, Duration::max());
  histogram.add(Duration(-5));
  EXPECT_EQ(histogram.stats().p50, Duration(0));
}

}  // namespace
}  // namespace osprey::pipeline
