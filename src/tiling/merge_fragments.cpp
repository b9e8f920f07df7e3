// SPDX-License-Identifier: Apache-2.0
#include <numeric>
#include <utility>
#include <vector>

#include "tiling/best_matches.hpp"
#include "tiling/merge_methods.hpp"

namespace osprey::tiling {

namespace {

constexpr float kHeld = 0.7f;  // of a part's area inside a whole box: it is a part of that

struct Seen {
  Detection detection;
  Box reach;
  std::uint32_t tile = 0;
  bool cut = false;
};

// What was seen, and as columns what the search wants: a cut box is never better than a whole one.
struct Sightings {
  std::vector<Seen> seen;
  std::vector<Box> reaches;
  std::vector<std::uint32_t> ranks;

  void reserve(std::size_t count) {
    seen.reserve(count);
    reaches.reserve(count);
    ranks.reserve(count);
  }
  void add(const Seen& sighting, std::uint32_t rank) {
    seen.push_back(sighting);
    reaches.push_back(sighting.reach);
    ranks.push_back(rank);
  }
};

Sightings look(const Candidates& candidates, std::span<const TileView> views) {
  const auto count = static_cast<std::uint32_t>(candidates.size());
  Sightings all;
  all.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto& [detection, tile] = candidates.found[i];
    const auto rank = candidates.ranks[i];
    const auto& view = views[tile];
    const bool cut = view.cuts(detection.box);
    all.add({detection, view.reach(detection.box), tile, cut}, cut ? count + rank : rank);
  }
  return all;
}

// Whether two boxes show the same object, or one a part of the other.
class Sameness {
 public:
  Sameness(std::span<const TileView> views, float threshold)
      : views_(views), threshold_(threshold) {}

  bool agree(const Seen& a, const Seen& b) const {
    return a.tile != b.tile &&
           agreement(a.reach, views_[a.tile], b.reach, views_[b.tile]) >= threshold_;
  }

  bool holds(const Seen& whole, const Seen& part) const {
    if (!part.cut || whole.tile == part.tile) return false;
    const float common = common_area(whole.detection.box, part.detection.box);
    return common > 0 && common >= kHeld * part.detection.box.area();
  }

 private:
  std::span<const TileView> views_;
  float threshold_;
};

// Appends the best whole boxes, and gives the cut ones that show nothing a whole one shows.
Sightings drop_seen_whole(const Sightings& all, const Sameness& same,
                          std::vector<Detection>& merged) {
  const auto& seen = all.seen;
  const auto best =
      best_matches(all.reaches, all.ranks, [&](const BoxGrid::Entry& better, std::uint32_t i) {
        const auto& whole = seen[better.item];
        return !whole.cut && (same.agree(whole, seen[i]) || same.holds(whole, seen[i]));
      });
  Sightings parts;
  for (std::uint32_t i = 0; i < seen.size(); ++i) {
    if (best[i] != i) continue;
    seen[i].cut ? parts.add(seen[i], all.ranks[i]) : merged.push_back(seen[i].detection);
  }
  return parts;
}

// Sets of boxes that show the same object, each known by its best one.
class Objects {
 public:
  explicit Objects(std::span<const std::uint32_t> ranks) : ranks_(ranks), parent_(ranks.size()) {
    std::iota(parent_.begin(), parent_.end(), 0u);
  }
  std::uint32_t best(std::uint32_t i) {
    while (parent_[i] != i) i = parent_[i] = parent_[parent_[i]];
    return i;
  }
  void join(std::uint32_t a, std::uint32_t b) {
    a = best(a);
    b = best(b);
    if (ranks_[b] < ranks_[a]) std::swap(a, b);
    parent_[b] = a;
  }

 private:
  std::span<const std::uint32_t> ranks_;
  std::vector<std::uint32_t> parent_;
};

// Appends one box for each object, around all its parts, with what is known of the best of them.
void join_parts(const Sightings& parts, const Sameness& same, std::vector<Detection>& merged) {
  const auto& seen = parts.seen;
  const BoxGrid grid(parts.reaches, parts.ranks);
  Objects objects(parts.ranks);
  for (std::uint32_t i = 0; i < seen.size(); ++i) {
    const auto rank = parts.ranks[i];
    grid.visit_better(parts.reaches[i], rank, [&](const BoxGrid::Entry& better) {
      if (same.agree(seen[better.item], seen[i])) objects.join(better.item, i);
      return rank;
    });
  }
  std::vector<Detection> joined;
  joined.reserve(seen.size());
  for (const auto& part : seen) joined.push_back(part.detection);
  for (std::uint32_t i = 0; i < seen.size(); ++i) {
    auto& box = joined[objects.best(i)].box;
    box = hull(box, seen[i].detection.box);
  }
  for (std::uint32_t i = 0; i < seen.size(); ++i) {
    if (objects.best(i) == i) merged.push_back(joined[i]);
  }
}

}  // namespace

void merge_fragments(const Candidates& candidates, std::span<const TileView> views, float threshold,
                     std::vector<Detection>& merged) {
  const Sameness same(views, threshold);
  join_parts(drop_seen_whole(look(candidates, views), same, merged), same, merged);
}

}  // namespace osprey::tiling
