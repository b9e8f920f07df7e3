// SPDX-License-Identifier: Apache-2.0
// How a frame is cut into parts for the network, and one list made of what was found in them.
#pragma once

#include <osprey/detection.hpp>
#include <osprey/result.hpp>

#include <memory>
#include <span>
#include <vector>

#include "core/region.hpp"
#include "engine/options.hpp"
#include "model/input_spec.hpp"
#include "tiling/tile_merge.hpp"
#include "tiling/tile_plan.hpp"

namespace osprey::engine {

inline Region region_of(const tiling::Tile& tile) {
  return {tile.x, tile.y, tile.width, tile.height};
}

/// For frames of one size. Immutable: threads may share it.
class FrameCut {
 public:
  FrameCut(tiling::TilePlan plan, tiling::TileMerger merger, int max_det)
      : plan_(std::move(plan)), merger_(std::move(merger)), max_det_(max_det) {}

  const tiling::TilePlan& plan() const { return plan_; }

  /// `by_tile`: what was found in each of the plan's tiles, in frame pixels. The frame's own, by
  /// falling confidence: one box an object, inside the regions of interest, the best `max_det`.
  std::vector<Detection> put_together(std::span<std::vector<Detection>> by_tile) const;

 private:
  tiling::TilePlan plan_;
  tiling::TileMerger merger_;
  int max_det_;
};

/// One stream's. Threads: one at a time.
class FrameCutter {
 public:
  /// Checks the options that say how frames are cut; `input` is the network's. Errors name them.
  static Result<FrameCutter> create(const Options& options, const model::InputSpec& input);

  /// For a frame of this size. Kept for the next frame, which usually has the same. Errors: those
  /// of TilePlan::create() that depend on the frame's size.
  Result<std::shared_ptr<const FrameCut>> cut(int width, int height);

 private:
  FrameCutter(tiling::PlanOptions plan, tiling::MergeOptions merge, int max_det)
      : plan_(std::move(plan)), merge_(merge), max_det_(max_det) {}

  tiling::PlanOptions plan_;
  tiling::MergeOptions merge_;
  int max_det_;
  std::shared_ptr<const FrameCut> last_;
};

}  // namespace osprey::engine
