// SPDX-License-Identifier: Apache-2.0
// The methods of merging: each takes the boxes of one class and appends the merged ones.
#pragma once

#include <osprey/detection.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "tiling/tile_merge.hpp"

namespace osprey::tiling {

/// Boxes of one class, or of all if agnostic. Neighbours in the lists are about neighbours in the
/// frame.
struct Candidates {
  std::vector<TileDetection> found;
  std::vector<std::uint32_t> ranks;  ///< of each: 0 is the best

  std::size_t size() const { return found.size(); }
};

/// Nms, greedy_nmm, nmm: whichever the options name.
void merge_overlaps(const Candidates& candidates, const MergeOptions& options,
                    std::vector<Detection>& merged);

void merge_weighted(const Candidates& candidates, float threshold, std::vector<Detection>& merged);

/// `views`: by tile.
void merge_fragments(const Candidates& candidates, std::span<const TileView> views, float threshold,
                     std::vector<Detection>& merged);

}  // namespace osprey::tiling
