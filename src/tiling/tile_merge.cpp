// SPDX-License-Identifier: Apache-2.0
#include "tiling/tile_merge.hpp"

#include <algorithm>
#include <numeric>
#include <string>
#include <tuple>
#include <utility>

#include "tiling/falling_order.hpp"
#include "tiling/grid_layout.hpp"
#include "tiling/merge_methods.hpp"

namespace osprey::tiling {

namespace {

constexpr float kCutMargin = 4;  // pixels of the network's input: half a cell of stride 8
constexpr float kMinThreshold = 0.01f;
constexpr int kMaxInput = 16384;

// A total order of values, so that the order they come in does not matter.
bool is_better(const Detection& a, const Detection& b) {
  if (a.confidence != b.confidence) return a.confidence > b.confidence;
  return std::tie(a.label_id, a.box.x1, a.box.y1, a.box.x2, a.box.y2) <
         std::tie(b.label_id, b.box.x1, b.box.y1, b.box.x2, b.box.y2);
}

bool is_better(const TileDetection& a, const TileDetection& b) {
  if (is_better(a.detection, b.detection)) return true;
  return !is_better(b.detection, a.detection) && a.tile < b.tile;
}

using Boxes = std::span<const TileDetection>;
using Indices = std::span<const std::uint32_t>;

// Boxes near each other in the frame come together in the list.
std::vector<TileDetection> by_place(Boxes boxes, Indices wanted) {
  std::vector<Box> corners;
  corners.reserve(wanted.size());
  for (const auto i : wanted) corners.push_back(boxes[i].detection.box);
  const GridLayout layout(corners);
  const auto cell_of = [&](const Box& box) {
    const auto cells = layout.cells_of(box);
    return layout.number(cells.x1, cells.y1);
  };
  std::vector<std::uint32_t> ends(layout.count(), 0);
  for (const auto& box : corners) ++ends[cell_of(box)];
  std::partial_sum(ends.begin(), ends.end(), ends.begin());
  std::vector<TileDetection> placed(wanted.size());
  for (const auto i : wanted) placed[--ends[cell_of(boxes[i].detection.box)]] = boxes[i];
  return placed;
}

std::vector<std::uint32_t> ranks_of(const std::vector<TileDetection>& found) {
  std::vector<Ranked> order(found.size());
  for (std::uint32_t i = 0; i < order.size(); ++i) order[i] = {found[i].detection.confidence, i};
  sort_falling(order, [&](auto a, auto b) { return is_better(found[a], found[b]); });
  std::vector<std::uint32_t> ranks(found.size());
  for (std::uint32_t rank = 0; rank < order.size(); ++rank) ranks[order[rank].item] = rank;
  return ranks;
}

std::vector<Detection> sorted(const std::vector<Detection>& merged) {
  std::vector<Ranked> order(merged.size());
  for (std::uint32_t i = 0; i < order.size(); ++i) order[i] = {merged[i].confidence, i};
  sort_falling(order, [&](auto a, auto b) { return is_better(merged[a], merged[b]); });
  std::vector<Detection> result;
  result.reserve(merged.size());
  for (const auto& [confidence, item] : order) result.push_back(merged[item]);
  return result;
}

Candidates candidates_of(Boxes boxes, Indices wanted) {
  auto placed = by_place(boxes, wanted);
  auto ranks = ranks_of(placed);
  return {std::move(placed), std::move(ranks)};
}

void merge_class(const Candidates& candidates, const MergeOptions& options,
                 std::span<const TileView> views, std::vector<Detection>& merged) {
  switch (options.method) {
    case MergeMethod::kFragments:
      return merge_fragments(candidates, views, options.threshold, merged);
    case MergeMethod::kWbf:
      return merge_weighted(candidates, options.threshold, merged);
    case MergeMethod::kNms:
    case MergeMethod::kGreedyNmm:
    case MergeMethod::kNmm:
      return merge_overlaps(candidates, options, merged);
  }
}

float margin_of(const Tile& tile, const MergeOptions& options) {
  const float gain =
      std::min(static_cast<float>(options.input_width) / static_cast<float>(tile.width),
               static_cast<float>(options.input_height) / static_cast<float>(tile.height));
  return kCutMargin / gain;
}

Error invalid_option(const std::string& message) {
  return {ErrorCode::kInvalidArgument, message};
}

}  // namespace

Result<TileMerger> TileMerger::create(std::span<const Tile> tiles, const MergeOptions& options) {
  if (!(options.threshold >= kMinThreshold && options.threshold <= 1)) {
    return invalid_option("threshold: expected 0.01..1, got " + std::to_string(options.threshold));
  }
  for (const auto& [name, value] : {std::pair{"input_width", options.input_width},
                                    std::pair{"input_height", options.input_height}}) {
    if (value < 1 || value > kMaxInput) {
      return invalid_option(std::string(name) + ": expected 1..16384, got " +
                            std::to_string(value));
    }
  }
  return TileMerger(tiles, options);
}

TileMerger::TileMerger(std::span<const Tile> tiles, const MergeOptions& options)
    : options_(options) {
  views_.reserve(tiles.size());
  for (const auto& tile : tiles) views_.emplace_back(tile, margin_of(tile, options));
}

std::vector<Detection> TileMerger::merge(Boxes boxes) const {
  const auto label_of = [&](std::uint32_t i) {
    return options_.agnostic ? 0 : boxes[i].detection.label_id;
  };
  std::vector<std::uint32_t> by_class(boxes.size());
  std::iota(by_class.begin(), by_class.end(), 0u);
  const auto is_before = [&](auto a, auto b) { return label_of(a) < label_of(b); };
  if (!std::is_sorted(by_class.begin(), by_class.end(), is_before)) {
    std::stable_sort(by_class.begin(), by_class.end(), is_before);
  }
  std::vector<Detection> merged;
  for (auto begin = by_class.begin(); begin != by_class.end();) {
    const auto label = label_of(*begin);
    const auto end =
        std::find_if(begin, by_class.end(), [&](auto i) { return label_of(i) != label; });
    merge_class(candidates_of(boxes, {begin, end}), options_, views_, merged);
    begin = end;
  }
  return sorted(merged);
}

}  // namespace osprey::tiling
