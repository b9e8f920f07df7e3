// SPDX-License-Identifier: Apache-2.0
// Made-up detections of tiled frames. For tests and benchmarks only.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <random>
#include <vector>

#include "tiling/tile_merge.hpp"
#include "tiling/tile_plan.hpp"

namespace osprey::tiling::scenes {

/// The plan's tiles; of a plan that is known to be good.
inline std::vector<Tile> tiles_of(int width, int height, const PlanOptions& options) {
  return TilePlan::create(width, height, options)->tiles();
}

struct SceneOptions {
  std::size_t objects = 10;
  int classes = 3;
  double least_side = 4, most_side = 120;  ///< of objects; small ones are more frequent
  double jitter = 2;                       ///< pixels by which tiles disagree on a side
  double grain = 0.5;  ///< coordinates are multiples of it, so that many are equal; 0: any
  int grades = 20;     ///< confidences are multiples of 1 / grades
};

/// Objects all over the frame, each seen by every tile that it reaches into far enough; by tile, as
/// tiles are done.
inline std::vector<TileDetection> scene(std::mt19937& random, int width, int height,
                                        const std::vector<Tile>& tiles, const SceneOptions& o) {
  const auto uniform = [&](double low, double high) {
    return std::uniform_real_distribution<double>(low, high)(random);
  };
  const auto side = [&](double at, double low, double high) {
    const double seen = at + uniform(-o.jitter, o.jitter);
    const double grained = o.grain > 0 ? std::round(seen / o.grain) * o.grain : seen;
    return static_cast<float>(std::clamp(grained, low, high));
  };
  std::vector<TileDetection> found;
  for (std::size_t i = 0; i < o.objects; ++i) {
    const double across = o.least_side * std::pow(o.most_side / o.least_side, uniform(0, 1));
    const double down = across * uniform(0.5, 2);
    const double x = uniform(-across / 2, width - across / 2);
    const double y = uniform(-down / 2, height - down / 2);
    const auto label = static_cast<std::int32_t>(uniform(0, o.classes));
    for (std::size_t t = 0; t < tiles.size(); ++t) {
      const auto& tile = tiles[t];
      const double seen_across =
          std::min<double>(x + across, tile.right()) - std::max<double>(x, tile.x);
      const double seen_down =
          std::min<double>(y + down, tile.bottom()) - std::max<double>(y, tile.y);
      if (seen_across < o.least_side / 2 || seen_down < o.least_side / 2) continue;
      const Box box{side(x, tile.x, tile.right()), side(y, tile.y, tile.bottom()),
                    side(x + across, tile.x, tile.right()), side(y + down, tile.y, tile.bottom())};
      if (box.x1 > box.x2 || box.y1 > box.y2) continue;
      const auto confidence = static_cast<float>(std::ceil(uniform(0, o.grades)) / o.grades);
      found.push_back({{box, confidence, label}, static_cast<std::uint32_t>(t)});
    }
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const auto& a, const auto& b) { return a.tile < b.tile; });
  return found;
}

}  // namespace osprey::tiling::scenes
