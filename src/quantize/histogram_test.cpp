// SPDX-License-Identifier: Apache-2.0
#include "quantize/histogram.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <random>

namespace osprey::quantize {
namespace {

std::vector<float> random_values(std::mt19937& random, std::size_t count, float spread) {
  std::normal_distribution<float> normal(0, spread);
  std::vector<float> values(count);
  for (auto& value : values) value = normal(random);
  return values;
}

void expect_same(const Histogram& a, const Histogram& b) {
  EXPECT_EQ(a.width(), b.width());
  EXPECT_EQ(a.count(), b.count());
  EXPECT_EQ(a.lowest(), b.lowest());
  EXPECT_EQ(a.highest(), b.highest());
  EXPECT_TRUE(std::ranges::equal(a.bins(), b.bins()));
}

TEST(Histogram, counts_as_a_plain_map_does) {
  std::mt19937 random(1);
  for (int round = 0; round < 50; ++round) {
    const float spread = std::exp2(static_cast<float>(round) - 25);
    const auto values = random_values(random, 5000, spread);
    Histogram histogram;
    histogram.add(values);
    std::map<double, std::uint64_t> plain;  // by centre
    for (const float v : values) {
      const double number = std::floor(static_cast<double>(v) / histogram.width());
      ++plain[(number + 0.5) * histogram.width()];
    }
    ASSERT_EQ(histogram.count(), values.size());
    for (std::size_t i = 0; i < histogram.bins().size(); ++i) {
      const auto found = plain.find(histogram.centre(i));
      ASSERT_EQ(histogram.bins()[i], found == plain.end() ? 0 : found->second) << round << ' ' << i;
    }
    EXPECT_EQ(histogram.lowest(), *std::ranges::min_element(values));
    EXPECT_EQ(histogram.highest(), *std::ranges::max_element(values));
    EXPECT_GT(histogram.bins().size(), Histogram::kBins / 2 - 2);  // no wider than needed
  }
}

TEST(Histogram, neither_order_nor_sharing_out_matters) {
  std::mt19937 random(2);
  for (int round = 0; round < 100; ++round) {
    std::vector<std::vector<float>> parts;
    for (int i = 0; i < 7; ++i) {
      const auto spread = std::exp2(std::uniform_real_distribution<float>(-20, 20)(random));
      parts.push_back(random_values(random, 200, spread));
      if (i == 3) parts.push_back({spread});
    }
    Histogram all;
    for (const auto& part : parts) all.add(part);
    std::ranges::shuffle(parts, random);
    Histogram shuffled, first, second;
    for (const auto& part : parts) shuffled.add(part);
    for (std::size_t i = 0; i < parts.size(); ++i) (i % 3 == 0 ? first : second).add(parts[i]);
    first.merge(second);
    expect_same(all, shuffled);
    expect_same(all, first);
  }
}

TEST(Histogram, values_that_are_none_are_left_out_and_counted) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinite = std::numeric_limits<float>::infinity();
  const std::vector<float> values = {1, nan, -2, infinite, 3, -infinite, 0, 0, 0, 0, 0, 0};
  Histogram histogram, clean;
  histogram.add(values);
  clean.add(std::vector<float>{1, -2, 3, 0, 0, 0, 0, 0, 0});
  expect_same(histogram, clean);
  EXPECT_EQ(histogram.not_numbers(), 3u);
  histogram.add(std::vector<float>(20, nan));
  expect_same(histogram, clean);
}

TEST(Histogram, holds_one_value_zeros_and_nothing) {
  Histogram histogram;
  EXPECT_TRUE(histogram.empty());
  EXPECT_TRUE(histogram.bins().empty());
  histogram.merge({});
  EXPECT_TRUE(histogram.empty());
  histogram.add(std::vector<float>(9, 0.f));
  EXPECT_EQ(histogram.bins().size(), 1u);
  EXPECT_EQ(histogram.bins()[0], 9u);
  Histogram far;
  far.add(std::vector<float>{1e30f});
  ASSERT_EQ(far.bins().size(), 1u);
  EXPECT_NEAR(far.centre(0) / 1e30, 1, 1e-6);
  far.add(std::vector<float>{-1e30f});
  EXPECT_EQ(far.count(), 2u);
  EXPECT_LE(far.bins().size(), Histogram::kBins);
}

}  // namespace
}  // namespace osprey::quantize
