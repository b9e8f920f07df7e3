// SPDX-License-Identifier: Apache-2.0
#include "core/pairing.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

namespace osprey {
namespace {

/// Of all sets of pairs that share nothing, the least sum: with or without the first one.
double least(const std::vector<Pair>& pairs, std::size_t from, std::set<std::size_t> ones,
             std::set<std::size_t> others) {
  if (from == pairs.size()) return 0;
  const double without = least(pairs, from + 1, ones, others);
  const auto& pair = pairs[from];
  if (!ones.insert(pair.one).second || !others.insert(pair.other).second) return without;
  return std::min(without, pair.cost + least(pairs, from + 1, ones, others));
}

TEST(Pairing, has_the_least_sum_of_all_sets_of_pairs) {
  std::mt19937 random(1);
  for (int round = 0; round < 300; ++round) {
    std::map<std::pair<std::size_t, std::size_t>, double> drawn;
    for (std::size_t i = random() % 13; i > 0; --i) {
      drawn[{random() % 6, random() % 6}] = -1.0 - static_cast<double>(random() % 100);
    }
    std::vector<Pair> pairs;
    for (const auto& [places, cost] : drawn) pairs.push_back({places.first, places.second, cost});
    double sum = 0;
    std::set<std::size_t> ones, others;
    for (const auto& pair : best_pairs(pairs)) {
      EXPECT_TRUE(ones.insert(pair.one).second && others.insert(pair.other).second);
      const auto place = drawn.find({pair.one, pair.other});
      ASSERT_NE(place, drawn.end()) << "no candidate";
      EXPECT_EQ(place->second, pair.cost);
      sum += pair.cost;
    }
    ASSERT_NEAR(sum, least(pairs, 0, {}, {}), 1e-9) << round;
  }
}

}  // namespace
}  // namespace osprey
