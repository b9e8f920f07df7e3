// SPDX-License-Identifier: Apache-2.0
#include "tracking/object_id.hpp"

#include <array>
#include <cstdint>
#include <cstdio>
#include <random>
#include <string_view>

namespace osprey::tracking {

std::string make_object_id(WallTime time) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz0123456789";
  const auto us = std::chrono::floor<std::chrono::microseconds>(time).time_since_epoch().count();
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%lld.%06lld-", static_cast<long long>(us / 1'000'000),
                static_cast<long long>(us % 1'000'000));
  std::string id = text.data();
  std::random_device random;
  std::uniform_int_distribution<std::size_t> letter(0, kLetters.size() - 1);
  for (int i = 0; i < 6; ++i) id += kLetters[letter(random)];
  return id;
}

}  // namespace osprey::tracking
