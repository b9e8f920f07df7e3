// SPDX-License-Identifier: Apache-2.0
#include "tiling/tile_plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <set>
#include <string>

namespace osprey::tiling {
namespace {

using testing::HasSubstr;

struct Starts {
  std::vector<int> x, y;
};

Starts starts_of(const TilePlan& plan) {
  std::set<int> x, y;
  for (const auto& tile : plan.tiles()) {
    x.insert(tile.x);
    y.insert(tile.y);
  }
  return {{x.begin(), x.end()}, {y.begin(), y.end()}};
}

TilePlan plan_of(int width, int height, const PlanOptions& options) {
  auto plan = TilePlan::create(width, height, options);
  EXPECT_TRUE(plan.ok()) << plan.error().message;
  return *plan;
}

std::string error_of(int width, int height, const PlanOptions& options) {
  const auto plan = TilePlan::create(width, height, options);
  return plan.ok() ? "" : plan.error().message;
}

// Everything that makes a plan, so that a failure can be repeated from its one line.
std::string plan_in_words(int width, int height, const PlanOptions& o) {
  return "frame " + std::to_string(width) + "x" + std::to_string(height) + " kind " +
         std::to_string(static_cast<int>(o.kind)) + " tile " + std::to_string(o.tile_width) + "x" +
         std::to_string(o.tile_height) + " grid " + std::to_string(o.rows) + "x" +
         std::to_string(o.columns) + " overlap " +
         (o.overlap ? std::to_string(*o.overlap) : "unset") + " min_object " +
         std::to_string(o.min_object) + " input " + std::to_string(o.input_width) + "x" +
         std::to_string(o.input_height) + (o.with_frame ? " with frame" : "");
}

PlanOptions random_plan(std::mt19937& random) {
  const auto pick = [&](int low, int high) {
    return std::uniform_int_distribution<int>(low, high)(random);
  };
  PlanOptions o;
  o.kind = static_cast<PlanKind>(pick(0, 3));
  o.tile_width = pick(32, 900);
  o.tile_height = pick(0, 1) ? o.tile_width : pick(32, 900);
  o.rows = pick(1, 31);
  o.columns = pick(1, 31);
  if (pick(0, 2)) o.overlap = pick(0, 60) / 100.0;
  o.min_object = pick(1, 64);
  o.input_width = pick(64, 1280);
  o.input_height = pick(0, 1) ? o.input_width : pick(64, 1280);
  o.with_frame = pick(0, 1) == 1;
  return o;
}

int least_shared(const PlanOptions& o, int tile) {
  return static_cast<int>(o.overlap.value_or(o.kind == PlanKind::kSliding ? 0.2 : 0) * tile);
}

// One axis of a plan: starts rise from 0 to the end, no step leaves a gap or too little overlap.
void check_axis(const std::vector<int>& starts, int tile, int size, int shared) {
  EXPECT_EQ(starts.front(), 0);
  EXPECT_EQ(starts.back() + tile, size);
  for (std::size_t i = 1; i < starts.size(); ++i) {
    EXPECT_LT(starts[i - 1], starts[i]);
    EXPECT_GE(starts[i - 1] + tile - starts[i], shared);
  }
}

TEST(TilePlan, covers_every_pixel_of_thousands_of_random_frames_with_the_overlap_asked_for) {
  std::mt19937 random(1);
  for (int round = 0; round < 6000 && !testing::Test::HasFailure(); ++round) {
    const auto options = random_plan(random);
    const int width = std::uniform_int_distribution<int>(1, 4000)(random);
    const int height = std::uniform_int_distribution<int>(1, 4000)(random);
    SCOPED_TRACE(plan_in_words(width, height, options));
    const auto plan = TilePlan::create(width, height, options);
    if (!plan.ok()) {
      EXPECT_THAT(plan.error().message, HasSubstr("at most 4096"));
      continue;
    }
    auto tiles = plan->tiles();
    if (options.with_frame && tiles.size() > 1) {
      EXPECT_EQ(tiles.back(), (Tile{0, 0, width, height}));
      tiles.pop_back();
    }
    const auto& first = tiles.front();
    std::set<int> xs, ys;
    for (const auto& tile : tiles) {
      EXPECT_EQ(tile.width, first.width);
      EXPECT_EQ(tile.height, first.height);
      EXPECT_EQ(tile.inner_left, tile.x != 0);
      EXPECT_EQ(tile.inner_top, tile.y != 0);
      EXPECT_EQ(tile.inner_right, tile.right() != width);
      EXPECT_EQ(tile.inner_bottom, tile.bottom() != height);
      xs.insert(tile.x);
      ys.insert(tile.y);
    }
    ASSERT_EQ(tiles.size(), xs.size() * ys.size()) << "tiles are a full grid";
    check_axis({xs.begin(), xs.end()}, first.width, width, least_shared(options, first.width));
    check_axis({ys.begin(), ys.end()}, first.height, height, least_shared(options, first.height));
  }
}

TEST(TilePlan, cover_follows_the_formula_tile_by_tile) {
  std::mt19937 random(2);
  for (int round = 0; round < 2000; ++round) {
    const int tile = std::uniform_int_distribution<int>(32, 700)(random);
    const int size = std::uniform_int_distribution<int>(tile, 4000)(random);
    const int n = (size + tile - 1) / tile;
    std::vector<int> expected;
    for (int i = 0; i < n; ++i) {
      const int pad = n == 1 ? 0 : (n * tile - size) / (n - 1);
      expected.push_back(i == n - 1 ? size - tile : i * (tile - pad));
    }
    const auto plan = plan_of(size, 32, {.tile_width = tile, .tile_height = 32});
    ASSERT_EQ(starts_of(plan).x, expected) << "size " << size << " tile " << tile;
  }
}

TEST(TilePlan, cover_cuts_full_hd_into_two_rows_of_three) {
  const auto starts = starts_of(plan_of(1920, 1080, {}));
  EXPECT_EQ(starts.x, (std::vector<int>{0, 640, 1280}));
  EXPECT_EQ(starts.y, (std::vector<int>{0, 440}));
}

TEST(TilePlan, makes_one_tile_of_a_frame_that_fits_exactly_or_is_smaller) {
  for (const auto kind : {PlanKind::kCover, PlanKind::kSliding}) {
    for (const auto& [width, height] : {std::pair{640, 640}, {500, 375}, {1, 1}}) {
      const auto plan = plan_of(width, height, {.kind = kind, .with_frame = true});
      EXPECT_EQ(plan.tiles(), (std::vector<Tile>{{0, 0, width, height}}));
    }
  }
}

TEST(TilePlan, shrinks_the_tile_only_on_the_axis_that_is_too_small) {
  const auto plan = plan_of(1000, 300, {});
  EXPECT_EQ(plan.tiles(), (std::vector<Tile>{{0, 0, 640, 300, false, false, true, false},
                                             {360, 0, 640, 300, true, false, false, false}}));
}

TEST(TilePlan, cover_takes_one_more_tile_where_the_overlap_asks_for_it) {
  const auto starts = starts_of(plan_of(1920, 1080, {.overlap = 0.2}));
  EXPECT_EQ(starts.x, (std::vector<int>{0, 427, 854, 1280}));
  EXPECT_EQ(starts.y, (std::vector<int>{0, 440}));
}

// What sahi.slicing.get_slice_bboxes of SAHI 0.12.8 (MIT) returned, exactly; its tiles are all
// pairs of these starts, row by row.
TEST(TilePlan, sliding_gives_the_tiles_of_sahi) {
  struct Case {
    int width, height, tile_width, tile_height;
    double overlap;
    std::vector<int> x, y;
  };
  const Case cases[] = {
      {1920, 1080, 640, 640, 0.2, {0, 512, 1024, 1280}, {0, 440}},
      {3840,
       2160,
       640,
       640,
       0.2,
       {0, 512, 1024, 1536, 2048, 2560, 3072, 3200},
       {0, 512, 1024, 1520}},
      {1280, 720, 512, 512, 0.2, {0, 410, 768}, {0, 208}},
      {640, 640, 640, 640, 0.2, {0}, {0}},
      {641, 640, 640, 640, 0.2, {0, 1}, {0}},
      {500, 375, 640, 640, 0.2, {0}, {0}},
      {2000, 600, 640, 640, 0.2, {0, 512, 1024, 1360}, {0}},
      {1024, 2048, 640, 384, 0.25, {0, 384}, {0, 288, 576, 864, 1152, 1440, 1664}},
      {1000, 1000, 300, 200, 0.29, {0, 213, 426, 639, 700}, {0, 143, 286, 429, 572, 715, 800}},
      {97, 61, 33, 47, 0.1, {0, 30, 60, 64}, {0, 14}},
  };
  for (const auto& c : cases) {
    const PlanOptions options{.kind = PlanKind::kSliding,
                              .tile_width = c.tile_width,
                              .tile_height = c.tile_height,
                              .overlap = c.overlap};
    SCOPED_TRACE(plan_in_words(c.width, c.height, options));
    const auto plan = plan_of(c.width, c.height, options);
    ASSERT_EQ(plan.tiles().size(), c.x.size() * c.y.size());
    for (std::size_t i = 0; i < plan.tiles().size(); ++i) {
      EXPECT_EQ(plan.tiles()[i].x, c.x[i % c.x.size()]);
      EXPECT_EQ(plan.tiles()[i].y, c.y[i / c.x.size()]);
      EXPECT_EQ(plan.tiles()[i].width, std::min(c.width, c.tile_width));
      EXPECT_EQ(plan.tiles()[i].height, std::min(c.height, c.tile_height));
    }
  }
}

TEST(TilePlan, sliding_overlaps_by_a_fifth_unless_told_otherwise) {
  EXPECT_EQ(plan_of(1920, 1080, {.kind = PlanKind::kSliding}).tiles(),
            plan_of(1920, 1080, {.kind = PlanKind::kSliding, .overlap = 0.2}).tiles());
}

TEST(TilePlan, grid_cuts_full_hd_into_four_quarters) {
  const auto plan = plan_of(1920, 1080, {.kind = PlanKind::kGrid, .rows = 2, .columns = 2});
  EXPECT_EQ(plan.tiles(), (std::vector<Tile>{{0, 0, 960, 540, false, false, true, true},
                                             {960, 0, 960, 540, true, false, false, true},
                                             {0, 540, 960, 540, false, true, true, false},
                                             {960, 540, 960, 540, true, true, false, false}}));
}

TEST(TilePlan, grid_enlarges_its_tiles_to_overlap) {
  const auto plan =
      plan_of(1900, 1080, {.kind = PlanKind::kGrid, .rows = 1, .columns = 2, .overlap = 0.1});
  EXPECT_EQ(plan.tiles(), (std::vector<Tile>{{0, 0, 1000, 1080, false, false, true, false},
                                             {900, 0, 1000, 1080, true, false, false, false}}));
}

TEST(TilePlan, grid_never_makes_more_tiles_than_there_are_pixels) {
  EXPECT_EQ(plan_of(3, 1, {.kind = PlanKind::kGrid, .rows = 9, .columns = 9}).tiles().size(), 3u);
}

TEST(TilePlan, auto_takes_the_networks_input_as_tile_where_small_objects_are_wanted) {
  for (const int least : {4, 16}) {
    const auto plan = plan_of(1920, 1080, {.kind = PlanKind::kAuto, .min_object = least});
    EXPECT_EQ(plan.tiles().front().width, 640) << least;
    EXPECT_EQ(plan.tiles().front().height, 640) << least;
    EXPECT_EQ(plan.tiles().size(), 8u) << least;
  }
}

TEST(TilePlan, auto_makes_tiles_as_large_as_the_wanted_objects_allow) {
  const auto plan = plan_of(3840, 2160, {.kind = PlanKind::kAuto, .min_object = 32});
  EXPECT_EQ(plan.tiles().front().width, 1280);
  EXPECT_EQ(plan.tiles().size(), 8u);
  const auto whole = plan_of(3840, 2160, {.kind = PlanKind::kAuto, .min_object = 96});
  EXPECT_EQ(whole.tiles(), (std::vector<Tile>{{0, 0, 3840, 2160}}));
}

TEST(TilePlan, auto_shows_every_wanted_object_whole_to_a_tile_or_large_enough_to_the_frame) {
  std::mt19937 random(3);
  for (int round = 0; round < 3000; ++round) {
    auto options = random_plan(random);
    options.kind = PlanKind::kAuto;
    options.overlap.reset();
    options.with_frame = true;
    const int width = std::uniform_int_distribution<int>(1, 8000)(random);
    const int height = std::uniform_int_distribution<int>(1, 8000)(random);
    const auto plan = TilePlan::create(width, height, options);
    if (!plan.ok()) continue;
    const auto starts = starts_of(*plan);
    const int tile = plan->tiles().front().width;
    const double shrinks = std::max(1.0, options.min_object / 16.0);
    EXPECT_LE(tile, std::max<long>(1, std::lround(options.input_width * shrinks)));
    const double seen_by_frame =
        16 * std::max({1.0, static_cast<double>(width) / options.input_width,
                       static_cast<double>(height) / options.input_height});
    for (std::size_t i = 1; i < starts.x.size(); ++i) {
      const int shared = starts.x[i - 1] + tile - starts.x[i];
      const double whole = shared - 16 * shrinks;
      EXPECT_TRUE(whole >= std::max<double>(options.min_object, seen_by_frame) ||
                  shared >= tile / 2)
          << plan_in_words(width, height, options);
    }
  }
}

TEST(TilePlan, leaves_out_tiles_that_no_polygon_touches) {
  // Inside the second of three columns of the upper row.
  PlanOptions options;
  options.roi = {{{700, 50}, {900, 50}, {900, 300}}};
  options.with_frame = true;
  const auto plan = plan_of(1920, 1080, options);
  EXPECT_EQ(plan.tiles(),
            (std::vector<Tile>{{640, 0, 640, 640, true, false, true, true}, {0, 0, 1920, 1080}}));
}

TEST(TilePlan, keeps_a_tile_in_the_middle_of_a_polygon_and_one_around_it) {
  PlanOptions options{.tile_width = 100, .tile_height = 100};
  options.roi = {{{50, 50}, {950, 50}, {950, 950}, {50, 950}}};
  EXPECT_EQ(plan_of(1000, 1000, options).tiles().size(), 100u);
  options.roi = {{{110, 110}, {120, 110}, {115, 120}}, {{810, 910}, {820, 910}, {815, 920}}};
  EXPECT_EQ(plan_of(1000, 1000, options).tiles().size(), 2u);
}

TEST(TilePlan, does_not_count_a_shared_edge_as_touching) {
  PlanOptions options{.tile_width = 100, .tile_height = 100};
  options.roi = {{{100, 0}, {200, 0}, {200, 100}, {100, 100}}};
  EXPECT_EQ(plan_of(300, 100, options).tiles(),
            (std::vector<Tile>{{100, 0, 100, 100, true, false, true, false}}));
}

TEST(TilePlan, leaves_no_pixel_of_random_polygons_without_a_tile) {
  std::mt19937 random(4);
  std::uniform_real_distribution<double> place(-50, 350);
  for (int round = 0; round < 500; ++round) {
    PlanOptions options{.tile_width = 40, .tile_height = 40};
    Polygon polygon(3 + random() % 6);
    for (auto& point : polygon) point = {place(random), place(random)};
    options.roi = {polygon};
    const auto plan = TilePlan::create(300, 300, options);
    for (int y = 2; y < 300; y += 5) {
      for (int x = 2; x < 300; x += 5) {
        if (!contains(polygon, {x + 0.5, y + 0.5})) continue;
        ASSERT_TRUE(plan.ok()) << "round " << round << " of seed 4: " << x << ' ' << y;
        const auto& tiles = plan->tiles();
        ASSERT_TRUE(std::any_of(tiles.begin(), tiles.end(),
                                [&](const Tile& tile) {
                                  return x >= tile.x && x < tile.right() && y >= tile.y &&
                                         y < tile.bottom();
                                }))
            << "round " << round << " of seed 4: " << x << ' ' << y;
      }
    }
  }
}

TEST(TilePlan, wants_detections_whose_centre_is_in_a_polygon) {
  PlanOptions options;
  options.roi = {{{0, 0}, {100, 0}, {100, 100}, {0, 100}}};
  const auto plan = plan_of(1920, 1080, options);
  EXPECT_TRUE(plan.wants({{50, 50, 148, 148}}));
  EXPECT_FALSE(plan.wants({{50, 50, 152, 152}}));
  EXPECT_TRUE(plan_of(1920, 1080, {}).wants({{50, 50, 152, 152}}));
}

TEST(Polygon, is_even_odd_where_it_crosses_itself) {
  // A five-pointed star drawn in one stroke has its middle outside.
  Polygon star;
  for (int i = 0; i < 5; ++i) {
    const double angle = i * 2 * 2 * 3.14159265358979 / 5;
    star.push_back({100 * std::sin(angle), -100 * std::cos(angle)});
  }
  EXPECT_FALSE(contains(star, {0, 0}));
  EXPECT_TRUE(contains(star, {0, -70}));
  EXPECT_FALSE(contains(star, {80, 80}));
}

TEST(Polygon, gives_every_point_of_a_shared_edge_to_one_neighbour) {
  const Polygon left = {{0, 0}, {10, 0}, {10, 10}, {0, 10}},
                right = {{10, 0}, {20, 0}, {20, 10}, {10, 10}};
  for (double y = 0.5; y < 10; ++y) {
    EXPECT_NE(contains(left, {10, y}), contains(right, {10, y})) << y;
  }
}

TEST(TilePlan, names_the_option_that_is_out_of_range) {
  EXPECT_EQ(error_of(1920, 1080, {.tile_width = 31}), "tile_width: expected 32..16384, got 31");
  EXPECT_EQ(error_of(1920, 1080, {.tile_height = 20000}),
            "tile_height: expected 32..16384, got 20000");
  EXPECT_EQ(error_of(1920, 1080, {.kind = PlanKind::kGrid, .rows = 0}),
            "rows: expected 1..31, got 0");
  EXPECT_EQ(error_of(1920, 1080, {.kind = PlanKind::kAuto, .min_object = 0}),
            "min_object: expected 1..4096, got 0");
  EXPECT_EQ(error_of(0, 1080, {}), "frame width: expected 1..65536, got 0");
  EXPECT_THAT(error_of(1920, 1080, {.overlap = 1}), HasSubstr("overlap: expected 0..0.9, got 1"));
  EXPECT_THAT(error_of(1920, 1080, {.overlap = std::nan("")}), HasSubstr("overlap: expected"));
  EXPECT_THAT(error_of(3840, 2160, {.tile_width = 32, .tile_height = 32}),
              HasSubstr("expected at most 4096 a frame, got 8160"));
}

TEST(TilePlan, refuses_polygons_without_an_inside) {
  PlanOptions options;
  options.roi = {{{0, 0}, {10, 10}}};
  EXPECT_EQ(error_of(1920, 1080, options), "roi: expected polygons of three points or more, got 2");
  options.roi = {{{0, 0}, {10, 10}, {std::numeric_limits<double>::infinity(), 0}}};
  EXPECT_EQ(error_of(1920, 1080, options), "roi: expected finite coordinates");
  options.roi = {{{-30, -30}, {-10, -10}, {-30, -10}}};
  EXPECT_EQ(error_of(1920, 1080, options),
            "roi: expected a polygon with pixels of the frame inside");
}

TEST(parse_plan, reads_sizes_grids_and_auto) {
  const auto square = parse_plan("640");
  ASSERT_TRUE(square.ok());
  EXPECT_EQ(square->kind, PlanKind::kCover);
  EXPECT_EQ(square->tile_width, 640);
  EXPECT_EQ(square->tile_height, 640);

  const auto wide = parse_plan("640x384");
  ASSERT_TRUE(wide.ok());
  EXPECT_EQ(wide->kind, PlanKind::kCover);
  EXPECT_EQ(wide->tile_width, 640);
  EXPECT_EQ(wide->tile_height, 384);

  const auto grid = parse_plan("2x3");
  ASSERT_TRUE(grid.ok());
  EXPECT_EQ(grid->kind, PlanKind::kGrid);
  EXPECT_EQ(grid->rows, 2);
  EXPECT_EQ(grid->columns, 3);

  const auto found = parse_plan("auto");
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(found->kind, PlanKind::kAuto);
}

TEST(parse_plan, says_what_it_expected_of_anything_else) {
  for (const auto* text : {"", "x", "640x", "x640", "640x384x2", "-640", "640x-3", "2 x3", "Auto",
                           "6e2", "99999999999", "640X384"}) {
    const auto parsed = parse_plan(text);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_EQ(parsed.error().message,
              "tiles: expected \"640\", \"640x384\", \"2x3\" or \"auto\", got \"" +
                  std::string(text) + "\"");
  }
  EXPECT_EQ(parse_plan("3").error().message, "tile_width: expected 32..16384, got 3");
  EXPECT_EQ(parse_plan("640x16").error().message, "tile_height: expected 32..16384, got 16");
  EXPECT_EQ(parse_plan("0x3").error().message, "rows: expected 1..31, got 0");
}

}  // namespace
}  // namespace osprey::tiling
