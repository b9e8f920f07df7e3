// SPDX-License-Identifier: Apache-2.0
#include "vision/draw.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "vision/convert.hpp"
#include "vision/test_pictures.hpp"

namespace osprey::vision {
namespace {

using Pixel = std::array<std::uint8_t, 3>;

Pixel pixel(const Image& image, int x, int y) {
  Pixel p;
  std::memcpy(p.data(), image.planes[0].data + y * image.planes[0].stride + x * 3, 3);
  return p;
}

constexpr Pixel kGround{50, 60, 70};
const DrawOptions kBoxOnly{.line_width = 2, .labels = false};

Image ground(int width = 120, int height = 90) {
  return flat_image(PixelFormat::kBgr24, width, height, kGround[0], kGround[1], kGround[2]);
}

// How many pixels of the rectangle [x1, x2) x [y1, y2) differ from the ground.
int changed(const Image& image, int x1, int y1, int x2, int y2) {
  int count = 0;
  for (int y = y1; y < y2; ++y) {
    for (int x = x1; x < x2; ++x) count += pixel(image, x, y) != kGround;
  }
  return count;
}

int changed(const Image& image) {
  return changed(image, 0, 0, image.width, image.height);
}

TEST(DrawTest, a_box_is_drawn_on_its_corners_and_not_inside_or_outside) {
  const Detection detection{{20, 10, 80, 70}, 0.9f, 0};
  const Image drawn = annotate(ground(), {&detection, 1}, {"cat"}, kBoxOnly);
  for (const auto& [x, y] : {std::pair{20, 10}, {79, 10}, {20, 69}, {79, 69}, {50, 10}, {20, 40}}) {
    EXPECT_NE(pixel(drawn, x, y), kGround) << x << ", " << y;
    EXPECT_EQ(pixel(drawn, x, y), pixel(drawn, 50, 10)) << "one colour all round";
  }
  EXPECT_EQ(changed(drawn, 23, 13, 77, 67), 0) << "inside";
  EXPECT_EQ(changed(drawn, 0, 0, 120, 8) + changed(drawn, 0, 72, 120, 90) +
                changed(drawn, 0, 0, 18, 90) + changed(drawn, 82, 0, 120, 90),
            0)
      << "outside";
}

TEST(DrawTest, a_box_around_the_whole_picture_lies_on_its_outermost_pixels) {
  const Detection detection{{0, 0, 120, 90}, 0.9f, 0};
  const Image drawn = annotate(ground(), {&detection, 1}, {}, kBoxOnly);
  for (const auto& [x, y] : {std::pair{0, 0}, {119, 0}, {0, 89}, {119, 89}, {60, 89}, {119, 45}}) {
    EXPECT_NE(pixel(drawn, x, y), kGround) << x << ", " << y;
  }
}

TEST(DrawTest, the_picture_given_is_left_alone) {
  const Image image = ground();
  const Detection detection{{20, 10, 80, 70}, 0.9f, 0};
  const Image drawn = annotate(image, {&detection, 1}, {"cat"});
  EXPECT_EQ(changed(image), 0);
  EXPECT_GT(changed(drawn), 0);
}

TEST(DrawTest, every_format_is_drawn_upon) {
  const Detection detection{{4, 4, 20, 20}, 0.5f, 3};
  for (const PixelFormat format : kEveryFormat) {
    const Image image = noise_image(format, 31, 27);
    const Image drawn = annotate(image, {&detection, 1}, {}, kBoxOnly);
    const Image plain = to_bgr(image);
    ASSERT_EQ(drawn.format, PixelFormat::kBgr24);
    ASSERT_EQ(drawn.width, 31);
    ASSERT_EQ(drawn.height, 27);
    EXPECT_EQ(pixel(drawn, 12, 12), pixel(plain, 12, 12));
    EXPECT_EQ(pixel(drawn, 28, 25), pixel(plain, 28, 25));
    EXPECT_EQ(pixel(drawn, 4, 12), pixel(drawn, 12, 4));
  }
}

TEST(DrawTest, a_label_lies_above_its_box_where_there_is_room) {
  const Detection detection{{20, 40, 110, 80}, 0.9f, 0};
  const Image plain = annotate(ground(), {&detection, 1}, {"cat"}, kBoxOnly);
  const Image labelled = annotate(ground(), {&detection, 1}, {"cat"}, {.line_width = 2});
  EXPECT_GT(changed(labelled, 20, 20, 120, 38), changed(plain, 20, 20, 120, 38) + 100);
  EXPECT_EQ(changed(labelled, 23, 43, 107, 77), 0);
}

TEST(DrawTest, a_label_without_room_above_lies_inside_of_its_box) {
  const Detection detection{{20, 0, 110, 80}, 0.9f, 0};
  const Image labelled = annotate(ground(), {&detection, 1}, {"cat"}, {.line_width = 2});
  EXPECT_GT(changed(labelled, 23, 3, 107, 20), 100);
}

TEST(DrawTest, a_label_at_the_right_edge_is_moved_back_into_the_picture) {
  const Detection at_edge{{110, 40, 120, 80}, 0.9f, 0};
  const Detection with_room{{10, 40, 20, 80}, 0.9f, 0};
  const Image moved = annotate(ground(), {&at_edge, 1}, {"cat"}, {.line_width = 2});
  const Image usual = annotate(ground(), {&with_room, 1}, {"cat"}, {.line_width = 2});
  EXPECT_EQ(changed(moved, 0, 0, 120, 38), changed(usual, 0, 0, 120, 38)) << "whole label drawn";
}

TEST(DrawTest, a_later_box_does_not_cross_an_earlier_label) {
  const Detection labelled{{10, 40, 110, 80}, 0.9f, 0};
  const Detection both[] = {labelled, {{15, 5, 25, 80}, 0.9f, 1}};
  const Image alone = annotate(ground(), {&labelled, 1}, {"cat", "dog"});
  const Image crossed = annotate(ground(), both, {"cat", "dog"});
  for (int y = 30; y < 37; ++y) {
    for (int x = 11; x < 30; ++x) ASSERT_EQ(pixel(crossed, x, y), pixel(alone, x, y));
  }
}

TEST(DrawTest, a_class_without_a_name_shows_its_number) {
  for (const std::int32_t id : {5, -1}) {
    const Detection detection{{20, 40, 110, 80}, 0.9f, id};
    std::vector<std::string> names(6);
    if (id >= 0) names[static_cast<std::size_t>(id)] = std::to_string(id);
    const Image numbered = annotate(ground(), {&detection, 1}, {"cat"});
    const Image named = annotate(ground(), {&detection, 1}, names);
    EXPECT_EQ(std::memcmp(numbered.planes[0].data, named.planes[0].data, 120 * 90 * 3), 0);
    EXPECT_GT(changed(numbered, 20, 20, 120, 38), 100);
  }
}

TEST(DrawTest, an_object_that_is_followed_has_its_number_before_its_name_and_its_colour) {
  const auto drawn = [&](std::int64_t track, std::int32_t label, const std::string& name) {
    Detection detection{{10, 40, 110, 80}, 0.9f, label};
    detection.track_id = track;
    const Image image = annotate(ground(), {&detection, 1}, {name, name, name, name});
    return std::string(reinterpret_cast<const char*>(image.planes[0].data), 120 * 90 * 3);
  };
  EXPECT_EQ(drawn(3, 0, "cat"), drawn(-1, 3, "id:3 cat"));
  EXPECT_EQ(drawn(3, 0, "cat"), drawn(3, 1, "cat")) << "the number's colour, not the class's";
}

TEST(DrawTest, a_character_beyond_ascii_takes_one_place) {
  const Detection detection{{10, 40, 110, 80}, 0.9f, 0};
  const auto drawn = [&](const std::string& name) {
    const Image image = annotate(ground(), {&detection, 1}, {name});
    return std::string(reinterpret_cast<const char*>(image.planes[0].data), 120 * 90 * 3);
  };
  EXPECT_EQ(drawn("caf\xc3\xa9"), drawn("caf?"));
  EXPECT_EQ(drawn("\xe7\x8c\xab\n"), drawn("??"));
  EXPECT_NE(drawn("caf\xc3\xa9"), drawn("cafe"));
  drawn("\xff\xc3\x80\x80");  // not UTF-8: must only not fail
}

TEST(DrawTest, boxes_that_cover_no_pixel_are_passed_over) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float inf = std::numeric_limits<float>::infinity();
  const Detection detections[] = {{{30, 30, 30, 60}, 1, 0},   {{60, 60, 30, 30}, 1, 0},
                                  {{-50, 10, -5, 60}, 1, 0},  {{200, 10, 300, 60}, 1, 0},
                                  {{nan, 10, 30, 60}, 1, 0},  {{10, 10, inf, 60}, 1, 0},
                                  {{10, -inf, 30, inf}, 1, 0}};
  EXPECT_EQ(changed(annotate(ground(), detections, {"cat"})), 0);
}

TEST(DrawTest, huge_and_hostile_boxes_and_names_stay_inside_of_the_picture) {
  const Detection detections[] = {{{-1e30f, -1e30f, 1e30f, 1e30f}, 1e30f, 2147483647},
                                  {{0, 0, 1, 1}, std::nanf(""), -2147483647}};
  const Image one_pixel = ground(1, 1);
  EXPECT_EQ(annotate(one_pixel, detections, {std::string(5000, 'w')}).width, 1);
  EXPECT_GT(changed(annotate(ground(), detections, {})), 0);
}

TEST(DrawTest, neighbouring_classes_have_clearly_different_colours) {
  std::vector<Pixel> colors;
  for (std::int32_t id = 0; id < 80; ++id) {
    const Detection detection{{10, 10, 40, 40}, 1, id};
    colors.push_back(pixel(annotate(ground(50, 50), {&detection, 1}, {}, kBoxOnly), 10, 10));
  }
  EXPECT_GE((std::set<Pixel>(colors.begin(), colors.end()).size()), 78u);
  for (std::size_t a = 0; a < colors.size(); ++a) {
    for (std::size_t b = a + 1; b < std::min(a + 7, colors.size()); ++b) {
      int distance = 0;
      for (std::size_t c = 0; c < 3; ++c) distance += std::abs(colors[a][c] - colors[b][c]);
      EXPECT_GT(distance, 60) << a << " and " << b;
    }
  }
}

TEST(DrawTest, lines_grow_with_the_picture) {
  const auto thickness = [](int size) {
    const Detection detection{{size / 4.0f, size / 4.0f, size / 2.0f, size / 2.0f}, 1, 0};
    const Image drawn = annotate(ground(size, size), {&detection, 1}, {}, {.labels = false});
    return changed(drawn, 0, size * 3 / 8, size * 3 / 8, size * 3 / 8 + 1);
  };
  // Antialiasing softens the line by up to four pixels.
  for (const auto& [size, line_width] : {std::pair{200, 2}, {1000, 3}, {2000, 6}}) {
    EXPECT_GE(thickness(size), line_width);
    EXPECT_LE(thickness(size), line_width + 4);
  }
}

}  // namespace
}  // namespace osprey::vision
