// SPDX-License-Identifier: Apache-2.0
#include "tiling/tile_merge.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>

#include "tiling/merge_scenes.hpp"
#include "tiling/tile_merge_reference.hpp"

namespace osprey::tiling {
namespace {

constexpr MergeMethod kMethods[] = {MergeMethod::kFragments, MergeMethod::kNms,
                                    MergeMethod::kGreedyNmm, MergeMethod::kNmm, MergeMethod::kWbf};

std::vector<Detection> merge(const std::vector<TileDetection>& boxes,
                             const std::vector<Tile>& tiles, const MergeOptions& options = {}) {
  const auto merger = TileMerger::create(tiles, options);
  EXPECT_TRUE(merger.ok()) << merger.error().message;
  return merger->merge(boxes);
}

MergeOptions random_options(std::mt19937& random) {
  const float thresholds[] = {0.01f, 0.2f, 0.5f, 0.5f, 0.7f, 1};
  MergeOptions options;
  options.method = kMethods[random() % 5];
  options.metric = random() % 2 ? OverlapMetric::kIos : OverlapMetric::kIou;
  options.threshold = thresholds[random() % 6];
  options.agnostic = random() % 4 == 0;
  options.input_width = options.input_height = random() % 2 ? 64 : 128;
  return options;
}

std::vector<Tile> random_tiles(std::mt19937& random) {
  const double overlaps[] = {0, 0, 0.2, 0.5};
  PlanOptions plan;
  plan.kind = random() % 2 ? PlanKind::kSliding : PlanKind::kCover;
  plan.tile_width = plan.tile_height = 64 + static_cast<int>(random() % 80);
  plan.overlap = overlaps[random() % 4];
  plan.with_frame = random() % 2 == 0;
  return scenes::tiles_of(300, 200, plan);
}

std::string describe(unsigned seed, const MergeOptions& o) {
  return "seed " + std::to_string(seed) + ": method " + std::to_string(static_cast<int>(o.method)) +
         " metric " + std::to_string(static_cast<int>(o.metric)) + " threshold " +
         std::to_string(o.threshold) + (o.agnostic ? " agnostic" : "");
}

TEST(TileMerger, equals_the_quadratic_reference_on_thousands_of_scenes) {
  for (unsigned seed = 0; seed < 6000; ++seed) {
    std::mt19937 random(seed);
    const auto tiles = random_tiles(random);
    const auto options = random_options(random);
    scenes::SceneOptions scene;
    scene.objects = random() % 16;
    scene.classes = 1 + static_cast<int>(random() % 3);
    scene.grain = random() % 4 == 0 ? 0 : 0.5;
    scene.grades = random() % 2 ? 5 : 1000;
    const auto boxes = scenes::scene(random, 300, 200, tiles, scene);
    ASSERT_EQ(merge(boxes, tiles, options), reference::merge(boxes, tiles, options))
        << describe(seed, options);
  }
}

TEST(TileMerger, equals_the_reference_on_large_scenes) {
  const auto tiles = scenes::tiles_of(3840, 2160, {.kind = PlanKind::kSliding, .with_frame = true});
  for (unsigned seed = 0; seed < 10; ++seed) {
    std::mt19937 random(seed);
    scenes::SceneOptions scene{.objects = 700, .classes = seed < 5 ? 1 : 10, .most_side = 900};
    const auto boxes = scenes::scene(random, 3840, 2160, tiles, scene);
    MergeOptions options;
    options.method = kMethods[seed % 5];
    options.metric = OverlapMetric::kIos;
    ASSERT_EQ(merge(boxes, tiles, options), reference::merge(boxes, tiles, options))
        << describe(seed, options);
  }
}

TEST(TileMerger, does_not_depend_on_the_order_of_the_boxes) {
  for (unsigned seed = 0; seed < 500; ++seed) {
    std::mt19937 random(seed);
    const auto tiles = random_tiles(random);
    const auto options = random_options(random);
    auto boxes = scenes::scene(random, 300, 200, tiles, {.grades = 5});
    const auto merged = merge(boxes, tiles, options);
    std::shuffle(boxes.begin(), boxes.end(), random);
    ASSERT_EQ(merge(boxes, tiles, options), merged) << describe(seed, options);
  }
}

TEST(TileMerger, gives_falling_confidences) {
  std::mt19937 random(1);
  const auto tiles = random_tiles(random);
  const auto boxes = scenes::scene(random, 300, 200, tiles, {.objects = 100});
  for (const auto method : kMethods) {
    const auto merged = merge(boxes, tiles, {.method = method});
    EXPECT_FALSE(merged.empty());
    EXPECT_TRUE(std::is_sorted(merged.begin(), merged.end(), [](const auto& a, const auto& b) {
      return a.confidence > b.confidence;
    }));
  }
}

TEST(TileMerger, leaves_nothing_as_it_is) {
  for (const auto method : kMethods) EXPECT_TRUE(merge({}, {}, {.method = method}).empty());
}

// Two tiles of 100x100 that share 20 columns, and the frame of both.
const std::vector<Tile> kPair = {{0, 0, 100, 100, false, false, true, false},
                                 {80, 0, 100, 100, true, false, false, false},
                                 {0, 0, 180, 100}};
constexpr std::uint32_t kLeft = 0, kRight = 1, kFrame = 2;
const MergeOptions kUnscaled = {.input_width = 100, .input_height = 100};

TEST(Fragments, drops_a_cut_box_for_a_whole_one_that_is_less_sure) {
  const Detection whole{{70, 20, 130, 60}, 0.4f, 0}, cut{{70, 20, 99, 60}, 0.9f, 0};
  EXPECT_EQ(merge({{cut, kLeft}, {whole, kFrame}}, kPair, kUnscaled), std::vector{whole});
  // The right tile cuts it too, at its left border.
  const Detection other{{81, 20, 130, 60}, 0.8f, 0};
  EXPECT_EQ(merge({{cut, kLeft}, {other, kRight}, {whole, kFrame}}, kPair, kUnscaled),
            std::vector{whole});
}

TEST(Fragments, drops_a_sliver_that_is_too_thin_to_look_like_its_part) {
  const Detection whole{{90, 20, 130, 60}, 0.8f, 0}, sliver{{90, 30, 100, 45}, 0.5f, 0};
  EXPECT_EQ(merge({{sliver, kLeft}, {whole, kRight}}, kPair, kUnscaled), std::vector{whole});
}

TEST(Fragments, joins_the_halves_of_an_object_that_no_tile_saw_whole) {
  const Detection left{{40, 20, 98, 60}, 0.7f, 0}, right{{80, 22, 150, 61}, 0.8f, 0};
  EXPECT_EQ(merge({{left, kLeft}, {right, kRight}}, kPair, kUnscaled),
            (std::vector<Detection>{{{40, 20, 150, 61}, 0.8f, 0}}));
}

TEST(Fragments, joins_halves_across_a_border_without_overlap) {
  const std::vector<Tile> tiles = {{0, 0, 100, 100, false, false, true, false},
                                   {100, 0, 100, 100, true, false, false, false}};
  const Detection left{{40, 20, 97, 60}, 0.7f, 0}, right{{103, 22, 150, 61}, 0.8f, 0};
  EXPECT_EQ(merge({{left, 0}, {right, 1}}, tiles, kUnscaled),
            (std::vector<Detection>{{{40, 20, 150, 61}, 0.8f, 0}}));
  // Ends that do not meet are two objects, and so are boxes that stop short of the border.
  const Detection lower{{103, 50, 150, 91}, 0.8f, 0}, short_one{{106, 22, 150, 61}, 0.8f, 0};
  EXPECT_EQ(merge({{left, 0}, {lower, 1}}, tiles, kUnscaled), (std::vector{lower, left}));
  EXPECT_EQ(merge({{left, 0}, {short_one, 1}}, tiles, kUnscaled), (std::vector{short_one, left}));
}

TEST(Fragments, joins_all_parts_of_an_object_across_a_row_of_tiles) {
  const auto tiles =
      scenes::tiles_of(400, 100, {.tile_width = 100, .tile_height = 100, .overlap = 0.1});
  ASSERT_EQ(tiles.size(), 5u);
  std::vector<TileDetection> parts;
  for (std::uint32_t t = 0; t < 5; ++t) {
    const auto& tile = tiles[t];
    // The middle ones are the least sure, so that the ends come first and do not meet.
    parts.push_back({{{std::max(20.0f, static_cast<float>(tile.x)), 30,
                       std::min(380.0f, static_cast<float>(tile.right())), 70},
                      t % 2 ? 0.5f : 0.6f + 0.1f * static_cast<float>(t),
                      0},
                     t});
  }
  EXPECT_EQ(merge(parts, tiles, kUnscaled), (std::vector<Detection>{{{20, 30, 380, 70}, 1.0f, 0}}));
}

TEST(Fragments, joins_the_quarters_of_an_object_at_a_crossing) {
  const auto tiles = scenes::tiles_of(200, 200, {.kind = PlanKind::kGrid, .rows = 2, .columns = 2});
  EXPECT_EQ(merge({{{{60, 70, 100, 100}, 0.5f, 0}, 0},
                   {{{100, 70, 150, 100}, 0.6f, 0}, 1},
                   {{{60, 100, 100, 140}, 0.7f, 0}, 2},
                   {{{100, 100, 150, 140}, 0.8f, 0}, 3}},
                  tiles, kUnscaled),
            (std::vector<Detection>{{{60, 70, 150, 140}, 0.8f, 0}}));
}

TEST(Fragments, keeps_the_best_of_boxes_that_tiles_saw_whole) {
  const Detection better{{86, 20, 95, 40}, 0.9f, 0}, worse{{87, 20, 95, 41}, 0.8f, 0};
  EXPECT_EQ(merge({{worse, kLeft}, {better, kRight}}, kPair, kUnscaled), std::vector{better});
}

TEST(Fragments, keeps_neighbours_of_a_crowd_apart) {
  // A small one in front of a large one: all of it is inside.
  const Detection large{{110, 10, 170, 90}, 0.9f, 0}, small{{120, 40, 150, 88}, 0.8f, 0};
  EXPECT_EQ(merge({{large, kRight}, {small, kFrame}}, kPair, kUnscaled),
            (std::vector{large, small}));
}

TEST(Fragments, leaves_boxes_of_one_tile_to_that_tiles_own_nms) {
  const Detection a{{20, 20, 60, 60}, 0.9f, 0}, b{{22, 20, 62, 60}, 0.8f, 0};
  EXPECT_EQ(merge({{a, kLeft}, {b, kLeft}}, kPair, kUnscaled), (std::vector{a, b}));
}

TEST(Fragments, takes_no_box_at_the_frames_own_edge_for_cut) {
  const Detection edge{{0, 0, 30, 100}, 0.5f, 0}, frame{{0, 0, 32, 100}, 0.4f, 0};
  EXPECT_EQ(merge({{edge, kLeft}, {frame, kFrame}}, kPair, kUnscaled), std::vector{edge});
}

TEST(Fragments, measures_the_distance_to_a_border_in_the_networks_pixels) {
  // Four pixels of the input are eight of a tile twice as large.
  const MergeOptions halved = {.input_width = 50, .input_height = 50};
  const Detection cut{{40, 20, 93, 60}, 0.9f, 0}, whole{{40, 20, 110, 60}, 0.5f, 0};
  EXPECT_EQ(merge({{cut, kLeft}, {whole, kFrame}}, kPair, kUnscaled), std::vector{cut});
  EXPECT_EQ(merge({{cut, kLeft}, {whole, kFrame}}, kPair, halved), std::vector{whole});
}

TEST(Fragments, joins_different_classes_only_if_agnostic) {
  const Detection left{{40, 20, 98, 60}, 0.7f, 3}, right{{80, 22, 150, 61}, 0.8f, 5};
  auto options = kUnscaled;
  EXPECT_EQ(merge({{left, kLeft}, {right, kRight}}, kPair, options), (std::vector{right, left}));
  options.agnostic = true;
  EXPECT_EQ(merge({{left, kLeft}, {right, kRight}}, kPair, options),
            (std::vector<Detection>{{{40, 20, 150, 61}, 0.8f, 5}}));
}

TEST(Fragments, changes_nothing_of_a_plan_of_one_tile) {
  const std::vector<Tile> tiles = {{0, 0, 300, 200}};
  std::mt19937 random(3);
  const auto boxes = scenes::scene(random, 300, 200, tiles, {.objects = 200});
  EXPECT_EQ(merge(boxes, tiles).size(), boxes.size());
}

// Sixteen boxes about four places, and what others made of them: SAHI 0.12.8 (MIT) with a threshold
// of 0.5, and ensemble-boxes 1.0.9 (MIT) for one model with iou_thr 0.5; the latter computes in
// float32 on coordinates divided by 128, hence the tolerance.
const std::vector<Detection> kGoldenInput = {
    {{12, 6, 29, 26}, 0.96f, 0}, {{42, 4, 74, 30}, 0.93f, 0},  {{49, 50, 78, 75}, 0.87f, 0},
    {{42, 11, 70, 36}, 0.8f, 1}, {{0, 61, 35, 86}, 0.79f, 0},  {{0, 0, 30, 30}, 0.68f, 0},
    {{40, 5, 77, 29}, 0.67f, 0}, {{49, 53, 67, 81}, 0.65f, 1}, {{45, 58, 75, 90}, 0.52f, 1},
    {{7, 57, 29, 75}, 0.51f, 1}, {{9, 60, 34, 76}, 0.4f, 1},   {{44, 1, 74, 33}, 0.34f, 0},
    {{9, 9, 38, 28}, 0.33f, 0},  {{5, 54, 39, 84}, 0.26f, 0},  {{48, 62, 77, 85}, 0.23f, 1},
    {{11, 3, 37, 32}, 0.21f, 0}};

std::vector<Detection> merge_golden(const MergeOptions& options) {
  std::vector<TileDetection> boxes;
  boxes.reserve(kGoldenInput.size());
  for (const auto& detection : kGoldenInput) boxes.push_back({detection, 0});
  return merge(boxes, {{0, 0, 128, 128}}, options);
}

TEST(TileMerger, gives_what_sahi_gives_for_nms) {
  const std::vector<Detection> by_iou = {{{12, 6, 29, 26}, 0.96f, 0},  {{42, 4, 74, 30}, 0.93f, 0},
                                         {{49, 50, 78, 75}, 0.87f, 0}, {{42, 11, 70, 36}, 0.8f, 1},
                                         {{0, 61, 35, 86}, 0.79f, 0},  {{0, 0, 30, 30}, 0.68f, 0},
                                         {{49, 53, 67, 81}, 0.65f, 1}, {{45, 58, 75, 90}, 0.52f, 1},
                                         {{7, 57, 29, 75}, 0.51f, 1},  {{9, 9, 38, 28}, 0.33f, 0}};
  EXPECT_EQ(merge_golden({.method = MergeMethod::kNms}), by_iou);
  const std::vector<Detection> by_ios = {{{12, 6, 29, 26}, 0.96f, 0},  {{42, 4, 74, 30}, 0.93f, 0},
                                         {{49, 50, 78, 75}, 0.87f, 0}, {{42, 11, 70, 36}, 0.8f, 1},
                                         {{0, 61, 35, 86}, 0.79f, 0},  {{49, 53, 67, 81}, 0.65f, 1},
                                         {{7, 57, 29, 75}, 0.51f, 1}};
  EXPECT_EQ(merge_golden({.method = MergeMethod::kNms, .metric = OverlapMetric::kIos}), by_ios);
}

TEST(TileMerger, gives_what_sahi_gives_for_greedy_nmm_and_nmm) {
  const std::vector<Detection> by_iou = {{{12, 6, 29, 26}, 0.96f, 0},  {{40, 1, 77, 33}, 0.93f, 0},
                                         {{49, 50, 78, 75}, 0.87f, 0}, {{42, 11, 70, 36}, 0.8f, 1},
                                         {{0, 54, 39, 86}, 0.79f, 0},  {{0, 0, 30, 30}, 0.68f, 0},
                                         {{49, 53, 67, 81}, 0.65f, 1}, {{45, 58, 77, 90}, 0.52f, 1},
                                         {{7, 57, 34, 76}, 0.51f, 1},  {{9, 3, 38, 32}, 0.33f, 0}};
  const std::vector<Detection> by_ios = {{{0, 0, 38, 32}, 0.96f, 0},   {{40, 1, 77, 33}, 0.93f, 0},
                                         {{49, 50, 78, 75}, 0.87f, 0}, {{42, 11, 70, 36}, 0.8f, 1},
                                         {{0, 54, 39, 86}, 0.79f, 0},  {{45, 53, 77, 90}, 0.65f, 1},
                                         {{7, 57, 34, 76}, 0.51f, 1}};
  for (const auto method : {MergeMethod::kGreedyNmm, MergeMethod::kNmm}) {
    EXPECT_EQ(merge_golden({.method = method}), by_iou);
    EXPECT_EQ(merge_golden({.method = method, .metric = OverlapMetric::kIos}), by_ios);
  }
}

TEST(TileMerger, gives_what_ensemble_boxes_gives_for_wbf) {
  const std::vector<Detection> expected = {
      {{12, 6, 29, 26}, 0.96f, 0},
      {{49, 50, 78, 75}, 0.87f, 0},
      {{42, 11, 70, 36}, 0.8f, 1},
      {{0, 0, 30, 30}, 0.68f, 0},
      {{49, 53, 67, 81}, 0.65f, 1},
      {{41.65979f, 3.819588f, 75.03608f, 30.18041f}, 0.6466666f, 0},
      {{1.238095f, 59.26667f, 35.99048f, 85.50476f}, 0.525f, 0},
      {{7.879121f, 58.31868f, 31.1978f, 75.43956f}, 0.455f, 1},
      {{45.92f, 59.22667f, 75.61333f, 88.46667f}, 0.375f, 1},
      {{9.777779f, 6.666667f, 37.61111f, 29.55556f}, 0.27f, 0}};
  const auto found = merge_golden({.method = MergeMethod::kWbf});
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i].label_id, expected[i].label_id) << i;
    EXPECT_NEAR(found[i].confidence, expected[i].confidence, 1e-6) << i;
    EXPECT_NEAR(found[i].box.x1, expected[i].box.x1, 1e-4) << i;
    EXPECT_NEAR(found[i].box.y1, expected[i].box.y1, 1e-4) << i;
    EXPECT_NEAR(found[i].box.x2, expected[i].box.x2, 1e-4) << i;
    EXPECT_NEAR(found[i].box.y2, expected[i].box.y2, 1e-4) << i;
  }
}

TEST(TileMerger, nmm_takes_in_what_a_taken_box_overlaps_and_greedy_nmm_does_not) {
  const std::vector<TileDetection> chain = {{{{0, 0, 10, 10}, 0.9f, 0}, 0},
                                            {{{4, 0, 14, 10}, 0.8f, 0}, 0},
                                            {{{8, 0, 18, 10}, 0.7f, 0}, 0}};
  const std::vector<Tile> tiles = {{0, 0, 100, 100}};
  EXPECT_EQ(merge(chain, tiles,
                  {
                      .method = MergeMethod::kNmm,
                      .threshold = 0.4f,
                  }),
            (std::vector<Detection>{{{0, 0, 14, 10}, 0.9f, 0}}))
      << "the third is taken in, but does not overlap enough of what the first has grown to";
  EXPECT_EQ(merge(chain, tiles, {.method = MergeMethod::kGreedyNmm, .threshold = 0.4f}),
            (std::vector<Detection>{{{0, 0, 14, 10}, 0.9f, 0}, {{8, 0, 18, 10}, 0.7f, 0}}));
}

TEST(TileMerger, names_the_option_that_is_out_of_range) {
  const auto error_of = [](const MergeOptions& options) {
    const auto merger = TileMerger::create({}, options);
    return merger.ok() ? "" : merger.error().message;
  };
  EXPECT_EQ(error_of({.threshold = 0}), "threshold: expected 0.01..1, got 0.000000");
  EXPECT_EQ(error_of({.threshold = 1.5f}), "threshold: expected 0.01..1, got 1.500000");
  EXPECT_EQ(error_of({.threshold = std::nanf("")}), "threshold: expected 0.01..1, got nan");
  EXPECT_EQ(error_of({.input_width = 0}), "input_width: expected 1..16384, got 0");
  EXPECT_EQ(error_of({.input_height = -1}), "input_height: expected 1..16384, got -1");
}

}  // namespace
}  // namespace osprey::tiling
