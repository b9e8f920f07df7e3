// SPDX-License-Identifier: Apache-2.0
#include "core/assignment.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>

namespace osprey {
namespace {

using testing::ElementsAre;

double sum_of(const std::vector<double>& cost, std::size_t columns, const std::vector<int>& of) {
  double sum = 0;
  for (std::size_t row = 0; row < of.size(); ++row) {
    if (of[row] >= 0) sum += cost[row * columns + static_cast<std::size_t>(of[row])];
  }
  return sum;
}

/// Of all ways to give the smaller side its own, the cheapest.
double least_sum(const std::vector<double>& cost, std::size_t rows, std::size_t columns) {
  const bool wide = rows <= columns;
  std::vector<std::size_t> order(std::max(rows, columns));
  std::iota(order.begin(), order.end(), std::size_t{0});
  double least = 1e300;
  do {
    double sum = 0;
    for (std::size_t i = 0; i < std::min(rows, columns); ++i) {
      sum += wide ? cost[i * columns + order[i]] : cost[order[i] * columns + i];
    }
    least = std::min(least, sum);
  } while (std::next_permutation(order.begin(), order.end()));
  return least;
}

TEST(Assignment, has_the_least_sum_of_all) {
  std::mt19937 random(1);
  for (int round = 0; round < 600; ++round) {
    const std::size_t rows = 1 + random() % 6, columns = 1 + random() % 6;
    std::vector<double> cost(rows * columns);
    // Whole numbers bring ties.
    for (auto& value : cost) {
      value =
          round % 2 ? static_cast<double>(random() % 4) : static_cast<double>(random()) / 1e9 - 2;
    }
    const auto of = assign(cost, rows, columns);
    ASSERT_EQ(of.size(), rows);
    std::vector<int> taken;
    std::copy_if(of.begin(), of.end(), std::back_inserter(taken), [](int c) { return c >= 0; });
    ASSERT_EQ(taken.size(), std::min(rows, columns));
    std::sort(taken.begin(), taken.end());
    ASSERT_EQ(std::unique(taken.begin(), taken.end()), taken.end()) << "a column given twice";
    ASSERT_NEAR(sum_of(cost, columns, of), least_sum(cost, rows, columns), 1e-9) << round;
  }
}

TEST(Assignment, gives_nothing_where_there_is_nothing) {
  EXPECT_THAT(assign({}, 0, 0), ElementsAre());
  EXPECT_THAT(assign({}, 0, 3), ElementsAre());
  EXPECT_THAT(assign({}, 2, 0), ElementsAre(-1, -1));
}

// What scipy.optimize.linear_sum_assignment of SciPy 1.17.1 chose.
TEST(Assignment, chooses_among_equals_as_scipy_does) {
  EXPECT_THAT(assign(std::vector<double>(9, 1.0), 3, 3), ElementsAre(0, 1, 2));
  EXPECT_THAT(assign(std::vector<double>(6, 0.0), 2, 3), ElementsAre(0, 1));
  EXPECT_THAT(assign(std::vector<double>(6, 0.0), 3, 2), ElementsAre(0, 1, -1));
  const std::vector<double> ties = {1, 1, 2, 1, 0, 1, 1, 0, 2, 1, 1, 1};
  EXPECT_THAT(assign(ties, 3, 4), ElementsAre(0, 3, 1));
  EXPECT_THAT(assign(ties, 4, 3), ElementsAre(0, 1, -1, 2));
}

}  // namespace
}  // namespace osprey
