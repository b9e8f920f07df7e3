// SPDX-License-Identifier: Apache-2.0
// Numbers of things, sorted into groups.
#pragma once

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

namespace osprey::evaluation {

/// The same things in groups: those of group g are order[begin[g] .. begin[g + 1]), in their order.
struct Groups {
  std::vector<std::uint32_t> order, begin;
  std::span<const std::uint32_t> of(std::size_t group) const {
    return std::span(order).subspan(begin[group], begin[group + 1] - begin[group]);
  }
};

/// `members` (numbers) by `group_of(member)`, of which there are `groups`. A counting sort.
template <typename Members, typename GroupOf>
Groups group(const Members& members, std::size_t groups, const GroupOf& group_of) {
  Groups made;
  made.begin.assign(groups + 1, 0);
  for (const auto member : members) ++made.begin[static_cast<std::size_t>(group_of(member)) + 1];
  std::partial_sum(made.begin.begin(), made.begin.end(), made.begin.begin());
  made.order.resize(made.begin.back());
  auto next = made.begin;
  for (const auto member : members) {
    made.order[next[static_cast<std::size_t>(group_of(member))]++] = member;
  }
  return made;
}

/// 0 .. count - 1.
inline std::vector<std::uint32_t> numbers(std::size_t count) {
  std::vector<std::uint32_t> all(count);
  std::iota(all.begin(), all.end(), 0u);
  return all;
}

}  // namespace osprey::evaluation
