// SPDX-License-Identifier: Apache-2.0
// Sorts by confidence in linear time.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "core/falling_key.hpp"

namespace osprey::tiling {

/// A value and where it stands. Values are finite.
struct Ranked {
  float value;
  std::uint32_t item;
};

/// Sorts by falling value; those of equal values as `is_before(item, item)` says. Cost: three
/// passes, and a sort of what is equal.
template <typename IsBefore>
void sort_falling(std::vector<Ranked>& order, IsBefore is_before) {
  constexpr int kBits = 11, kPasses = 3;
  constexpr std::size_t kFew = 512;  // for these a comparing sort is faster
  const auto less = [&](const Ranked& a, const Ranked& b) {
    if (a.value != b.value) return a.value > b.value;
    return is_before(a.item, b.item);
  };
  if (order.size() < kFew) {
    std::sort(order.begin(), order.end(), less);
    return;
  }
  std::vector<Ranked> other(order.size());
  for (int pass = 0; pass < kPasses; ++pass) {
    const auto digit = [&](const Ranked& entry) {
      return falling_key(entry.value) >> (pass * kBits) & ((1u << kBits) - 1);
    };
    std::array<std::uint32_t, 1u << kBits> begins{};
    for (const auto& entry : order) ++begins[digit(entry)];
    std::uint32_t sum = 0;
    for (auto& begin : begins) sum += std::exchange(begin, sum);
    for (const auto& entry : order) other[begins[digit(entry)]++] = entry;
    std::swap(order, other);
  }
  for (auto begin = order.begin(); begin != order.end();) {
    const auto end = std::find_if(begin + 1, order.end(),
                                  [&](const Ranked& entry) { return entry.value != begin->value; });
    if (end - begin > 1) std::sort(begin, end, less);
    begin = end;
  }
}

}  // namespace osprey::tiling
