// SPDX-License-Identifier: Apache-2.0
// Times every method on a frame as users have them and on large ones, with one class, which is the
// hardest. Frames grow with the boxes, so that a box has as many near it.
#include <benchmark/benchmark.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iostream>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "tiling/merge_scenes.hpp"
#include "tiling/tile_merge.hpp"
#include "tiling/tile_merge_reference.hpp"

namespace {

using namespace osprey;
using namespace osprey::tiling;

struct Method {
  const char* name;
  MergeOptions options;
};

const std::vector<Method>& methods() {
  static const std::vector<Method> kAll = {
      {"fragments", {.method = MergeMethod::kFragments}},
      {"nms", {.method = MergeMethod::kNms}},
      {"greedy_nmm", {.method = MergeMethod::kGreedyNmm, .metric = OverlapMetric::kIos}},
      {"nmm", {.method = MergeMethod::kNmm, .metric = OverlapMetric::kIos}},
      {"wbf", {.method = MergeMethod::kWbf}}};
  return kAll;
}

struct Case {
  std::vector<Tile> tiles;
  std::vector<TileDetection> boxes;
};

Case hundred_objects_on_eight_tiles() {
  std::mt19937 random(1);
  Case c{scenes::tiles_of(1920, 1080, {.kind = PlanKind::kSliding}), {}};
  c.boxes = scenes::scene(random, 1920, 1080, c.tiles,
                          {.objects = 100, .classes = 1, .grain = 0, .grades = 1 << 20});
  return c;
}

// About that many boxes.
Case large(std::size_t boxes) {
  std::mt19937 random(2);
  const int side = static_cast<int>(60 * std::sqrt(static_cast<double>(boxes)));
  Case c{scenes::tiles_of(side, side,
                          {.kind = PlanKind::kSliding,
                           .tile_width = 1024,
                           .tile_height = 1024,
                           .with_frame = true}),
         {}};
  c.boxes = scenes::scene(
      random, side, side, c.tiles,
      {.objects = boxes * 2 / 5, .classes = 1, .most_side = 200, .grain = 0, .grades = 1 << 20});
  return c;
}

bool is_right(const Case& c, const Method& method) {
  const auto merger = TileMerger::create(c.tiles, method.options);
  if (merger.ok() && merger->merge(c.boxes) == reference::merge(c.boxes, c.tiles, method.options)) {
    return true;
  }
  std::cerr << method.name << " differs from the reference on " << c.boxes.size() << " boxes\n";
  return false;
}

void BM_Merge(benchmark::State& state, const Case& c, const MergeOptions& options) {
  const auto merger = TileMerger::create(c.tiles, options);
  std::size_t merged = 0;
  for (auto _ : state) {
    auto result = merger->merge(c.boxes);
    merged = result.size();
    benchmark::DoNotOptimize(result.data());
  }
  state.counters["boxes"] = static_cast<double>(c.boxes.size());
  state.counters["merged"] = static_cast<double>(merged);
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(c.boxes.size()));
}

void BM_Reference(benchmark::State& state, const Case& c, const MergeOptions& options) {
  for (auto _ : state) benchmark::DoNotOptimize(reference::merge(c.boxes, c.tiles, options));
  state.counters["boxes"] = static_cast<double>(c.boxes.size());
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  const std::map<std::string, Case> cases = {{"100_objects", hundred_objects_on_eight_tiles()},
                                             {"3300_boxes", large(3300)},
                                             {"33000_boxes", large(33000)},
                                             {"330000_boxes", large(330000)}};
  for (const auto& method : methods()) {
    for (const auto* small : {"100_objects", "3300_boxes"}) {
      if (!is_right(cases.at(small), method)) return 1;
    }
    for (const auto& [name, c] : cases) {
      benchmark::RegisterBenchmark((std::string(method.name) + "/" + name).c_str(), BM_Merge,
                                   std::cref(c), method.options)
          ->Unit(benchmark::kMillisecond);
    }
    benchmark::RegisterBenchmark((std::string(method.name) + "/3300_boxes/every_pair").c_str(),
                                 BM_Reference, std::cref(cases.at("3300_boxes")), method.options)
        ->Unit(benchmark::kMillisecond);
  }
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
