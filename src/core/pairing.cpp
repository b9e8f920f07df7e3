// SPDX-License-Identifier: Apache-2.0
#include "core/pairing.hpp"

#include <algorithm>
#include <numeric>

#include "core/assignment.hpp"

namespace osprey {

namespace {

/// Sets of things that are connected.
class Groups {
 public:
  explicit Groups(std::size_t things) : parent_(things) {
    std::iota(parent_.begin(), parent_.end(), std::size_t{0});
  }

  std::size_t find(std::size_t thing) {
    while (parent_[thing] != thing) thing = parent_[thing] = parent_[parent_[thing]];
    return thing;
  }

  // The lower number stands for both, so that groups come in the order of their first things.
  void join(std::size_t a, std::size_t b) {
    const auto [low, high] = std::minmax({find(a), find(b)});
    parent_[high] = low;
  }

 private:
  std::vector<std::size_t> parent_;
};

std::vector<std::size_t> numbers_of(const std::vector<Pair>& pairs, std::size_t Pair::*side) {
  std::vector<std::size_t> numbers;
  numbers.reserve(pairs.size());
  for (const auto& pair : pairs) numbers.push_back(pair.*side);
  std::sort(numbers.begin(), numbers.end());
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  return numbers;
}

std::size_t place_of(const std::vector<std::size_t>& numbers, std::size_t number) {
  return static_cast<std::size_t>(std::lower_bound(numbers.begin(), numbers.end(), number) -
                                  numbers.begin());
}

void solve(const std::vector<Pair>& group, std::vector<Pair>& chosen) {
  const auto ones = numbers_of(group, &Pair::one), others = numbers_of(group, &Pair::other);
  // What is no candidate costs nothing, as staying alone does.
  std::vector<double> cost(ones.size() * others.size(), 0);
  for (const auto& pair : group) {
    cost[place_of(ones, pair.one) * others.size() + place_of(others, pair.other)] = pair.cost;
  }
  const auto of = assign(cost, ones.size(), others.size());
  for (std::size_t row = 0; row < of.size(); ++row) {
    if (of[row] < 0) continue;
    const auto column = static_cast<std::size_t>(of[row]);
    const double paid = cost[row * others.size() + column];
    if (paid < 0) chosen.push_back({ones[row], others[column], paid});
  }
}

}  // namespace

std::vector<Pair> best_pairs(std::vector<Pair> candidates) {
  std::vector<Pair> chosen;
  if (candidates.empty()) return chosen;
  std::size_t ones = 0, others = 0;
  for (const auto& pair : candidates) {
    ones = std::max(ones, pair.one + 1);
    others = std::max(others, pair.other + 1);
  }
  Groups groups(ones + others);
  for (const auto& pair : candidates) groups.join(pair.one, ones + pair.other);
  std::stable_sort(candidates.begin(), candidates.end(), [&](const Pair& a, const Pair& b) {
    return groups.find(a.one) < groups.find(b.one);
  });
  std::vector<Pair> group;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    group.push_back(candidates[i]);
    const bool ends = i + 1 == candidates.size() ||
                      groups.find(candidates[i].one) != groups.find(candidates[i + 1].one);
    if (!ends) continue;
    solve(group, chosen);
    group.clear();
  }
  return chosen;
}

}  // namespace osprey
