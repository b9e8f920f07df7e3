// SPDX-License-Identifier: Apache-2.0
#include "quantize/scale.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace osprey::quantize {
namespace {

/// What x * sigmoid(x) makes of normal values, with some far out.
std::vector<float> activations(unsigned seed, float outlier) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, 3);
  std::vector<float> values(40000);
  for (auto& value : values) {
    const float x = normal(random);
    value = x / (1 + std::exp(-x));
  }
  for (int i = 0; i < 5; ++i) values[static_cast<std::size_t>(i)] = outlier;
  return values;
}

double plain_error(const std::vector<float>& values, const Scale& scale) {
  double sum = 0;
  for (const float value : values) {
    const double step =
        std::clamp(std::nearbyint(static_cast<double>(value) / static_cast<double>(scale.scale)) +
                       scale.zero_point,
                   0.0, 255.0);
    const double back = (step - scale.zero_point) * static_cast<double>(scale.scale);
    sum += (static_cast<double>(value) - back) * (static_cast<double>(value) - back);
  }
  return sum / static_cast<double>(values.size());
}

Histogram histogram_of(const std::vector<float>& values) {
  Histogram histogram;
  histogram.add(values);
  return histogram;
}

TEST(Scale, has_a_step_that_is_zero) {
  std::mt19937 random(3);
  for (int i = 0; i < 1000; ++i) {
    std::uniform_real_distribution<double> ends(0, 100);
    const Range range{-ends(random), ends(random)};
    const Scale scale = scale_of(range);
    const auto step = static_cast<double>(scale.scale);
    EXPECT_LE((0 - scale.zero_point) * step, range.low + step);
    EXPECT_GE((255 - scale.zero_point) * step, range.high - step);
  }
  EXPECT_EQ(scale_of({0, 255}).zero_point, 0);
  EXPECT_EQ(scale_of({0, 255}).scale, 1);
  EXPECT_EQ(scale_of({-255, 0}).zero_point, 255);
  EXPECT_EQ(scale_of({0, 0}).scale, 1);
}

TEST(Scale, normal_is_from_the_lowest_to_the_highest_and_holds_zero) {
  const auto range = choose_range(histogram_of({-1.5f, 2, 7.25f}), Algorithm::kNormal, 0);
  EXPECT_EQ(range.low, -1.5);
  EXPECT_EQ(range.high, 7.25);
  const auto positive = choose_range(histogram_of({3, 4}), Algorithm::kNormal, 0);
  EXPECT_EQ(positive.low, 0);
  EXPECT_EQ(positive.high, 4);
  EXPECT_EQ(choose_range({}, Algorithm::kMmse, 0).high, 0);
}

TEST(Scale, a_percentile_is_that_of_the_sorted_values) {
  auto values = activations(4, 60);
  const auto histogram = histogram_of(values);
  std::ranges::sort(values);
  for (const double percentile : {90.0, 99.0, 99.9, 100.0}) {
    const auto out =
        static_cast<std::size_t>(static_cast<double>(values.size()) * (1 - percentile / 100) / 2);
    const auto range = choose_range(histogram, Algorithm::kPercentile, percentile);
    EXPECT_NEAR(range.high, static_cast<double>(values[values.size() - 1 - out]),
                1.001 * histogram.width());
    EXPECT_NEAR(range.low, std::min(0.0, static_cast<double>(values[out])),
                1.001 * histogram.width());
  }
}

TEST(Scale, the_histogram_s_error_is_that_of_the_values) {
  const auto values = activations(5, 60);
  const auto histogram = histogram_of(values);
  for (const Range range : {Range{-0.3, 60}, Range{-0.1, 10}, Range{-0.3, 3}}) {
    const Scale scale = scale_of(range);
    const double plain = plain_error(values, scale);
    EXPECT_NEAR(error_of(histogram, scale).mean_square / plain, 1, 0.02);
  }
  const auto clipped = error_of(histogram, scale_of({-0.3, 10})).clipped;
  const auto above = std::ranges::count_if(values, [](float v) { return v > 10.02f; });
  EXPECT_NEAR(clipped * static_cast<double>(values.size()), static_cast<double>(above), 3);
}

TEST(Scale, mmse_is_as_good_as_a_search_over_all_values) {
  for (const float outlier : {12.f, 60.f, 400.f}) {
    const auto values = activations(6, outlier);
    const auto range = choose_range(histogram_of(values), Algorithm::kMmse, 0);
    const double found = plain_error(values, scale_of(range));
    double best = found;
    for (int i = 1; i <= 60; ++i) {
      for (int j = 0; j <= 20; ++j) {
        const Range tried{-0.3 * j / 20, static_cast<double>(outlier) * i / 60};
        best = std::min(best, plain_error(values, scale_of(tried)));
      }
    }
    EXPECT_LE(found, best * 1.03) << outlier;
  }
}

/// Kullback and Leibler's divergence as written in books, of 512 bins and their rounding.
double plain_divergence(const std::vector<float>& values, const Range& range, double top) {
  constexpr int kBins = 512;
  std::vector<double> bins(kBins, 0), p(kBins, 0), q(kBins, 0);
  for (const float v : values) {
    ++bins[static_cast<std::size_t>(std::min(kBins - 1.0, static_cast<double>(v) / top * kBins))];
  }
  const int inside = static_cast<int>(range.high / top * kBins);
  double within = 0;
  for (int i = 0; i < kBins; ++i)
    p[static_cast<std::size_t>(std::min(i, inside - 1))] += bins[static_cast<std::size_t>(i)];
  for (int i = 0; i < inside; ++i) within += bins[static_cast<std::size_t>(i)];
  const int together = inside / 256;
  for (int from = 0; from < inside; from += together) {
    double sum = 0;
    int used = 0;
    for (int i = from; i < from + together; ++i) {
      sum += bins[static_cast<std::size_t>(i)];
      used += bins[static_cast<std::size_t>(i)] > 0 ? 1 : 0;
    }
    for (int i = from; i < from + together; ++i) {
      if (bins[static_cast<std::size_t>(i)] > 0) q[static_cast<std::size_t>(i)] = sum / used;
    }
  }
  double divergence = 0;
  for (int i = 0; i < inside; ++i) {
    const auto at = static_cast<std::size_t>(i);
    if (p[at] == 0) continue;
    const double a = p[at] / static_cast<double>(values.size());
    divergence += q[at] > 0 ? a * std::log(a / (q[at] / within)) : 0;
  }
  return divergence;
}

TEST(Scale, divergence_cuts_off_what_is_rare_and_keeps_what_is_not) {
  std::mt19937 random(7);
  std::exponential_distribution<float> exponential(4);
  std::vector<float> rare(100000), common(100000);
  for (auto& v : rare) v = std::min(exponential(random), 7.99f);
  rare[0] = 8;  // half of the range is nearly empty
  for (auto& v : common) v = std::uniform_real_distribution<float>(0, 8)(random);
  common[0] = 8;
  const auto cut = choose_range(histogram_of(rare), Algorithm::kKlDivergence, 0);
  const auto kept = choose_range(histogram_of(common), Algorithm::kKlDivergence, 0);
  EXPECT_LT(cut.high, 6);
  EXPECT_GT(kept.high, 7.5);
  EXPECT_LT(plain_divergence(rare, {0, 4}, 8), plain_divergence(rare, {0, 8}, 8));
  EXPECT_GT(plain_divergence(common, {0, 4}, 8), plain_divergence(common, {0, 8}, 8));
}

TEST(ScaleByChannel, holds_each_channels_range_with_one_zero_point) {
  const std::vector<float> lows = {-0.28f, -0.28f, 0, 1}, highs = {0.5f, 100, 3, 2};
  const auto scale = scale_by_channel(lows, highs);
  ASSERT_EQ(scale.channels.size(), 4u);
  for (std::size_t c = 0; c < 4; ++c) {
    const float step = scale.channels[c], zero = scale.zero_point;
    EXPECT_LE(-zero * step, std::min(lows[c], 0.f) + step / 2) << c;
    EXPECT_GE((255 - zero) * step, highs[c] - step / 2) << c;
  }
  EXPECT_NEAR(scale.channels[1] / scale.channels[2], 100.0 / 3, 0.1);
  EXPECT_EQ(scale.scale, scale.channels[1]);
}

TEST(ScaleByChannel, of_channels_without_range_is_a_number) {
  const std::vector<float> none = {0, 0};
  for (const float step : scale_by_channel(none, none).channels) EXPECT_GT(step, 0);
  const std::vector<float> lows = {-2, 0}, highs = {0, 0};
  for (const float step : scale_by_channel(lows, highs).channels) EXPECT_GT(step, 0);
}

}  // namespace
}  // namespace osprey::quantize
