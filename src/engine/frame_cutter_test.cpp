// SPDX-License-Identifier: Apache-2.0
#include "engine/frame_cutter.hpp"

#include <gtest/gtest.h>

#include <array>

namespace osprey::engine {
namespace {

model::InputSpec network(int side) {
  model::InputSpec input;
  input.width = input.height = side;
  return input;
}

std::shared_ptr<const FrameCut> cut(const Options& options, int width, int height) {
  auto cutter = FrameCutter::create(options, network(640));
  EXPECT_TRUE(cutter.ok());
  auto made = cutter->cut(width, height);
  EXPECT_TRUE(made.ok()) << made.error().message;
  return *made;
}

TEST(FrameCutter, without_tiles_looks_at_the_whole_frame_and_changes_nothing) {
  const auto whole = cut({}, 1920, 1080);
  ASSERT_EQ(whole->plan().tiles().size(), 1u);
  EXPECT_EQ(whole->plan().tiles()[0], (tiling::Tile{0, 0, 1920, 1080}));
  const std::vector<Detection> found = {{{0, 0, 9, 9}, 0.9f, 1}, {{0, 0, 9, 9}, 0.9f, 1}};
  std::array<std::vector<Detection>, 1> by_tile{found};
  EXPECT_EQ(whole->put_together(by_tile), found);
}

TEST(FrameCutter, tiles_of_a_size_are_the_fewest_and_with_an_overlap_sahis) {
  Options options;
  options.tiles = "640";
  EXPECT_EQ(cut(options, 1920, 1080)->plan().tiles().size(), 6u);
  options.overlap = 0.2;
  EXPECT_EQ(cut(options, 1920, 1080)->plan().tiles().size(), 8u);
  options.with_frame = true;
  EXPECT_EQ(cut(options, 1920, 1080)->plan().tiles().size(), 9u);
}

TEST(FrameCutter, an_object_that_two_tiles_saw_is_one_and_the_worst_beyond_max_det_are_left_out) {
  Options options;
  options.tiles = "1x2";
  options.overlap = 0.2;
  options.max_det = 2;
  const auto halves = cut(options, 1000, 500);
  ASSERT_EQ(halves->plan().tiles().size(), 2u);
  const Detection shared{{480, 100, 520, 140}, 0.8f, 0};
  std::array<std::vector<Detection>, 2> by_tile = {
      {{shared, {{10, 10, 60, 60}, 0.3f, 0}}, {shared, {{800, 10, 860, 60}, 0.9f, 0}}}};
  const auto found = halves->put_together(by_tile);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].confidence, 0.9f);
  EXPECT_EQ(found[1], shared);
}

TEST(FrameCutter, what_lies_outside_of_the_regions_of_interest_is_neither_looked_at_nor_reported) {
  Options options;
  options.tiles = "1x2";
  options.roi = {{{0, 0}, {300, 0}, {300, 500}, {0, 500}}};
  const auto left = cut(options, 1000, 500);
  ASSERT_EQ(left->plan().tiles().size(), 1u);
  std::array<std::vector<Detection>, 1> by_tile = {
      {{{{10, 10, 60, 60}, 0.9f, 0}, {{380, 10, 420, 60}, 0.8f, 0}}}};
  EXPECT_EQ(left->put_together(by_tile).size(), 1u);
}

TEST(FrameCutter, a_plan_is_kept_for_frames_of_one_size_and_made_anew_for_others) {
  Options options;
  options.tiles = "640";
  auto cutter = FrameCutter::create(options, network(640));
  ASSERT_TRUE(cutter.ok());
  const auto first = *cutter->cut(1920, 1080);
  EXPECT_EQ(*cutter->cut(1920, 1080), first);
  EXPECT_NE(*cutter->cut(1080, 1920), first);
}

}  // namespace
}  // namespace osprey::engine
