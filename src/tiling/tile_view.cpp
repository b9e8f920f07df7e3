// SPDX-License-Identifier: Apache-2.0
#include "tiling/tile_view.hpp"

#include <algorithm>
#include <limits>

#include "tiling/overlap.hpp"

namespace osprey::tiling {

namespace {

// The part of `box` inside `window`, which has no area if there is none.
Box within(const Box& box, const Box& window) {
  const float x1 = std::max(box.x1, window.x1), y1 = std::max(box.y1, window.y1);
  return {x1, y1, std::max(x1, std::min(box.x2, window.x2)),
          std::max(y1, std::min(box.y2, window.y2))};
}

}  // namespace

TileView::TileView(const Tile& tile, float margin) {
  constexpr float kNever = std::numeric_limits<float>::infinity();
  const auto side = [](int at, bool inner, float by) {
    return static_cast<float>(at) + (inner ? by : 0);
  };
  area_ = {side(tile.x, tile.inner_left, -margin), side(tile.y, tile.inner_top, -margin),
           side(tile.right(), tile.inner_right, margin),
           side(tile.bottom(), tile.inner_bottom, margin)};
  near_ = {tile.inner_left ? static_cast<float>(tile.x) + margin : -kNever,
           tile.inner_top ? static_cast<float>(tile.y) + margin : -kNever,
           tile.inner_right ? static_cast<float>(tile.right()) - margin : kNever,
           tile.inner_bottom ? static_cast<float>(tile.bottom()) - margin : kNever};
}

TileView::Cuts TileView::cuts_of(const Box& box) const {
  return {box.x1 <= near_.x1, box.y1 <= near_.y1, box.x2 >= near_.x2, box.y2 >= near_.y2};
}

bool TileView::cuts(const Box& box) const {
  const auto cut = cuts_of(box);
  return cut.left || cut.top || cut.right || cut.bottom;
}

Box TileView::reach(const Box& box) const {
  const auto cut = cuts_of(box);
  return {cut.left ? std::min(area_.x1, box.x1) : box.x1,
          cut.top ? std::min(area_.y1, box.y1) : box.y1,
          cut.right ? std::max(area_.x2, box.x2) : box.x2,
          cut.bottom ? std::max(area_.y2, box.y2) : box.y2};
}

float agreement(const Box& reach_a, const TileView& view_a, const Box& reach_b,
                const TileView& view_b) {
  const Box shared = within(view_a.area(), view_b.area());
  return overlap(within(reach_a, shared), within(reach_b, shared), OverlapMetric::kIou);
}

}  // namespace osprey::tiling
