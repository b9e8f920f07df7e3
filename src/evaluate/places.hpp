// SPDX-License-Identifier: Apache-2.0
// From ids, as files have them, to places in a list.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace osprey::evaluation {

/// Threads: any.
class Places {
 public:
  /// `sorted`: ids, rising, each once; an id's place in it is what find() gives.
  explicit Places(std::vector<std::int64_t> sorted) : ids_(std::move(sorted)) {
    if (ids_.empty()) return;
    // A table where ids lie as close as those of data sets do.
    const auto span = static_cast<std::uint64_t>(ids_.back()) - static_cast<std::uint64_t>(ids_[0]);
    if (span >= 64 * ids_.size() + 1'000'000) return;
    table_.assign(span + 1, -1);
    for (std::size_t i = 0; i < ids_.size(); ++i) table_[offset(ids_[i])] = static_cast<int>(i);
  }

  /// -1: there is none.
  std::int32_t find(std::int64_t id) const {
    if (!table_.empty()) return offset(id) < table_.size() ? table_[offset(id)] : -1;
    const auto at = std::lower_bound(ids_.begin(), ids_.end(), id);
    return at != ids_.end() && *at == id ? static_cast<std::int32_t>(at - ids_.begin()) : -1;
  }

 private:
  std::uint64_t offset(std::int64_t id) const {
    return static_cast<std::uint64_t>(id) - static_cast<std::uint64_t>(ids_[0]);
  }

  std::vector<std::int64_t> ids_;
  std::vector<std::int32_t> table_;
};

/// Of GroundTruth's pictures or categories.
template <typename Listed>
Places places_of(const std::vector<Listed>& listed) {
  std::vector<std::int64_t> ids;
  ids.reserve(listed.size());
  for (const auto& each : listed) ids.push_back(each.id);
  return Places(std::move(ids));
}

}  // namespace osprey::evaluation
