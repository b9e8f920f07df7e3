// SPDX-License-Identifier: Apache-2.0
#include "quantize/statistics.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace osprey::quantize {
namespace {

using Ints = std::vector<std::int64_t>;

std::vector<float> random_values(unsigned seed, std::size_t count) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(1, 5);
  std::vector<float> values(count);
  for (auto& value : values) value = normal(random);
  return values;
}

TEST(TensorStatistics, means_are_those_of_plain_sums) {
  const auto values = random_values(1, 2 * 3 * 7 * 5), more = random_values(2, 3 * 11 * 13);
  TensorStatistics statistics, other;
  statistics.add({values.data(), {2, 3, 7, 5}});
  other.add({more.data(), {1, 3, 11, 13}});
  statistics.merge(other);
  EXPECT_EQ(statistics.histogram().count(), values.size() + more.size());
  const auto means = statistics.channel_means();
  ASSERT_EQ(means.size(), 3u);
  for (std::size_t c = 0; c < 3; ++c) {
    double sum = 0;
    for (std::size_t i = 0; i < values.size(); ++i)
      sum += i / 35 % 3 == c ? static_cast<double>(values[i]) : 0;
    for (std::size_t i = 0; i < more.size(); ++i)
      sum += i / 143 == c ? static_cast<double>(more[i]) : 0;
    EXPECT_NEAR(static_cast<double>(means[c]), sum / (2 * 35 + 143), 1e-5);
  }
}

TEST(TensorStatistics, what_rounding_adds_is_what_the_definition_says) {
  const auto values = random_values(3, 2 * 101);
  const Scale scale{0.07f, 60};
  TensorStatistics statistics;
  statistics.add_rounding({values.data(), {1, 2, 101, 1}}, scale);
  const auto means = statistics.channel_means();
  ASSERT_EQ(means.size(), 2u);
  for (std::size_t c = 0; c < 2; ++c) {
    double sum = 0;
    for (std::size_t i = c * 101; i < (c + 1) * 101; ++i) {
      const float step = std::clamp(std::nearbyint(values[i] / 0.07f) + 60, 0.f, 255.f);
      sum += static_cast<double>((step - 60) * 0.07f - values[i]);
    }
    EXPECT_NEAR(static_cast<double>(means[c]), sum / 101, 1e-4);
  }
}

TEST(TensorStatistics, other_shapes_have_no_channels) {
  const std::vector<float> values(6, 1);
  TensorStatistics statistics;
  statistics.add({values.data(), {2, 3}});
  EXPECT_TRUE(statistics.channel_means().empty());
  EXPECT_EQ(statistics.histogram().count(), 6u);
}

TEST(FollowMeans, goes_through_what_splits_and_joins_channels) {
  auto model = onnx::Model::create("network");
  model.add_input({"x", {1, 4, 2, 2}});
  model.add_constant("parts", {2}, Ints{1, 3});
  model.add_node({"Split", {"x", "parts"}, {"a", "b"}, {{"axis", std::int64_t{1}}}});
  model.add_node({"Concat", {"b", "a"}, {"c"}, {{"axis", std::int64_t{1}}}});
  model.add_node({"Relu", {"c"}, {"d"}});
  model.add_output({"d", {1, 4, 2, 2}});
  std::map<std::string, std::vector<float>> means = {{"x", {1, 2, 3, 4}}};
  follow_means(model, means);
  EXPECT_EQ(means["a"], (std::vector<float>{1}));
  EXPECT_EQ(means["b"], (std::vector<float>{2, 3, 4}));
  EXPECT_EQ(means["c"], (std::vector<float>{2, 3, 4, 1}));
  EXPECT_FALSE(means.contains("d"));
}

TEST(TensorStatistics, lows_and_highs_are_by_channel) {
  const std::vector<float> a = {1, -2, 3, 4, 0.5f, 7}, b = {0, 0, 9, 5, -1, 5};
  TensorStatistics first, second;
  first.add({a.data(), {1, 2, 1, 3}}, true);
  second.add({b.data(), {1, 2, 1, 3}}, true);
  first.merge(second);
  EXPECT_THAT(first.channel_lows(), testing::ElementsAre(-2, -1));
  EXPECT_THAT(first.channel_highs(), testing::ElementsAre(9, 7));
}

}  // namespace
}  // namespace osprey::quantize
