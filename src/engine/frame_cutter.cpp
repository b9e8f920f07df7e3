// SPDX-License-Identifier: Apache-2.0
#include "engine/frame_cutter.hpp"

#include <algorithm>
#include <utility>

#include "base/try.hpp"

namespace osprey::engine {

namespace {

Result<tiling::PlanOptions> plan_options(const Options& options, const model::InputSpec& input) {
  tiling::PlanOptions plan;
  if (options.tiles.empty()) {
    plan.kind = tiling::PlanKind::kGrid;
    plan.rows = plan.columns = 1;
  } else {
    plan = OSPREY_TRY(tiling::parse_plan(options.tiles));
    const bool fixed_size = plan.kind == tiling::PlanKind::kCover;
    if (options.overlap && fixed_size) plan.kind = tiling::PlanKind::kSliding;
  }
  plan.overlap = options.overlap;
  plan.min_object = options.min_object;
  plan.input_width = input.width;
  plan.input_height = input.height;
  plan.with_frame = options.with_frame;
  plan.roi = options.roi;
  return plan;
}

tiling::MergeOptions merge_options(const Options& options, const model::InputSpec& input) {
  tiling::MergeOptions merge;
  merge.method = options.merge;
  merge.metric = options.merge_metric;
  merge.threshold = options.merge_threshold;
  merge.agnostic = options.agnostic_nms;
  merge.input_width = input.width;
  merge.input_height = input.height;
  return merge;
}

}  // namespace

std::vector<Detection> FrameCut::put_together(std::span<std::vector<Detection>> by_tile) const {
  std::vector<Detection> found;
  if (by_tile.size() == 1) {
    found = std::move(by_tile[0]);
  } else {
    std::vector<tiling::TileDetection> all;
    for (std::uint32_t tile = 0; tile < by_tile.size(); ++tile) {
      for (const auto& detection : by_tile[tile]) all.push_back({detection, tile});
    }
    found = merger_.merge(all);
  }
  std::erase_if(found, [&](const Detection& each) { return !plan_.wants(each); });
  found.resize(std::min(found.size(), static_cast<std::size_t>(max_det_)));
  return found;
}

Result<FrameCutter> FrameCutter::create(const Options& options, const model::InputSpec& input) {
  auto plan = OSPREY_TRY(plan_options(options, input));
  return FrameCutter(std::move(plan), merge_options(options, input), options.max_det);
}

Result<std::shared_ptr<const FrameCut>> FrameCutter::cut(int width, int height) {
  if (!last_ || last_->plan().width() != width || last_->plan().height() != height) {
    auto plan = OSPREY_TRY(tiling::TilePlan::create(width, height, plan_));
    auto merger = OSPREY_TRY(tiling::TileMerger::create(plan.tiles(), merge_));
    last_ = std::make_shared<const FrameCut>(std::move(plan), std::move(merger), max_det_);
  }
  return last_;
}

}  // namespace osprey::engine
