// SPDX-License-Identifier: Apache-2.0
#include "tiling/tile_merge.hpp"

#include <algorithm>
#include <numeric>
#include <string>
#include <tuple>

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

// By class, the best first; the whole list is one class if agnostic.
std::vector<TileDetection> rank(std::span<const TileDetection> boxes, bool agnostic) {
  std::vector<TileDetection> ranked(boxes.begin(), boxes.end());
  std::sort(ranked.begin(), ranked.end(), [&](const TileDetection& a, const TileDetection& b) {
    const auto& x = a.detection;
    const auto& y = b.detection;
    if (!agnostic && x.label_id != y.label_id) return x.label_id < y.label_id;
    if (is_better(x, y)) return true;
    return !is_better(y, x) && a.tile < b.tile;
  });
  return ranked;
}

// Brings boxes near each other in the frame together in the list.
std::vector<Candidate> by_place(std::span<const TileDetection> ranked) {
  std::vector<Box> boxes;
  boxes.reserve(ranked.size());
  for (const auto& found : ranked) boxes.push_back(found.detection.box);
  const GridLayout layout(boxes);
  const auto cell_of = [&](const Box& box) {
    const auto cells = layout.cells_of(box);
    return layout.number(cells.x1, cells.y1);
  };
  std::vector<std::uint32_t> ends(layout.count(), 0);
  for (const auto& box : boxes) ++ends[cell_of(box)];
  std::partial_sum(ends.begin(), ends.end(), ends.begin());
  std::vector<Candidate> candidates(ranked.size());
  for (auto i = static_cast<std::uint32_t>(ranked.size()); i-- > 0;) {
    candidates[--ends[cell_of(boxes[i])]] = {ranked[i].detection, ranked[i].tile, i};
  }
  return candidates;
}

float margin_of(const Tile& tile, const MergeOptions& options) {
  const float gain =
      std::min(static_cast<float>(options.input_width) / static_cast<float>(tile.width),
               static_cast<float>(options.input_height) / static_cast<float>(tile.height));
  return kCutMargin / gain;
}

Error invalid(const std::string& message) {
  return {ErrorCode::kInvalidArgument, message};
}

}  // namespace

Result<TileMerger> TileMerger::create(std::span<const Tile> tiles, const MergeOptions& options) {
  if (!(options.threshold >= kMinThreshold && options.threshold <= 1)) {
    return invalid("threshold: expected 0.01..1, got " + std::to_string(options.threshold));
  }
  for (const auto& [name, value] : {std::pair{"input_width", options.input_width},
                                    std::pair{"input_height", options.input_height}}) {
    if (value < 1 || value > kMaxInput) {
      return invalid(std::string(name) + ": expected 1..16384, got " + std::to_string(value));
    }
  }
  return TileMerger(tiles, options);
}

TileMerger::TileMerger(std::span<const Tile> tiles, const MergeOptions& options)
    : options_(options) {
  views_.reserve(tiles.size());
  for (const auto& tile : tiles) views_.emplace_back(tile, margin_of(tile, options));
}

std::vector<Detection> TileMerger::merge(std::span<const TileDetection> boxes) const {
  const auto ranked = rank(boxes, options_.agnostic);
  std::vector<Detection> merged;
  merged.reserve(ranked.size());
  for (auto begin = ranked.begin(); begin != ranked.end();) {
    const auto end = options_.agnostic
                         ? ranked.end()
                         : std::find_if(begin, ranked.end(), [&](const TileDetection& found) {
                             return found.detection.label_id != begin->detection.label_id;
                           });
    const auto group = by_place({begin, end});
    switch (options_.method) {
      case MergeMethod::kFragments:
        merge_fragments(group, views_, options_.threshold, merged);
        break;
      case MergeMethod::kWbf:
        merge_weighted(group, options_.threshold, merged);
        break;
      case MergeMethod::kNms:
      case MergeMethod::kGreedyNmm:
      case MergeMethod::kNmm:
        merge_overlaps(group, options_, merged);
        break;
    }
    begin = end;
  }
  std::sort(merged.begin(), merged.end(), is_better);
  return merged;
}

}  // namespace osprey::tiling
