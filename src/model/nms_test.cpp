// SPDX-License-Identifier: Apache-2.0
#include "model/nms.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

namespace osprey::model {
namespace {

// torchvision's overlap, word for word.
float overlap(const Box& a, const Box& b) {
  const float width = std::max(0.0f, std::min(a.x2, b.x2) - std::max(a.x1, b.x1));
  const float height = std::max(0.0f, std::min(a.y2, b.y2) - std::max(a.y1, b.y1));
  const float common = width * height;
  const float area_a = (a.x2 - a.x1) * (a.y2 - a.y1);
  const float area_b = (b.x2 - b.x1) * (b.y2 - b.y1);
  return common / (area_a + area_b - common);
}

// Every pair is looked at; nothing clever.
std::vector<Detection> plain_nms(std::vector<Detection> boxes, const NmsOptions& options) {
  std::stable_sort(boxes.begin(), boxes.end(), [](const auto& a, const auto& b) {
    if (a.confidence != b.confidence) return a.confidence > b.confidence;
    return a.label_id < b.label_id;
  });
  if (boxes.size() > static_cast<std::size_t>(options.max_candidates)) {
    boxes.resize(static_cast<std::size_t>(options.max_candidates));
  }
  std::vector<bool> dropped(boxes.size(), false);
  std::vector<Detection> kept;
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    if (dropped[i]) continue;
    kept.push_back(boxes[i]);
    for (std::size_t j = i + 1; j < boxes.size(); ++j) {
      const bool rivals = options.agnostic || boxes[i].label_id == boxes[j].label_id;
      if (rivals && overlap(boxes[i].box, boxes[j].box) > options.iou) dropped[j] = true;
    }
  }
  if (kept.size() > static_cast<std::size_t>(options.max_det)) {
    kept.resize(static_cast<std::size_t>(options.max_det));
  }
  return kept;
}

// Crowded boxes on whole and half pixels with few confidences: ties and equal overlaps abound.
std::vector<Detection> crowd(std::mt19937& random, std::size_t count, int classes, int grades) {
  std::uniform_int_distribution<int> corner(0, 60), side(0, 40), label(0, classes - 1),
      grade(0, grades);
  std::vector<Detection> boxes(count);
  for (auto& d : boxes) {
    d.box.x1 = static_cast<float>(corner(random)) / 2;
    d.box.y1 = static_cast<float>(corner(random)) / 2;
    d.box.x2 = d.box.x1 + static_cast<float>(side(random)) / 2;
    d.box.y2 = d.box.y1 + static_cast<float>(side(random)) / 2;
    d.confidence = static_cast<float>(grade(random)) / static_cast<float>(grades);
    d.label_id = label(random);
  }
  return boxes;
}

TEST(nms, equals_the_quadratic_reference_on_thousands_of_crowds) {
  std::mt19937 random(1);
  const float limits[] = {0, 0.1f, 0.45f, 0.5f, 0.7f, 1};
  for (int round = 0; round < 4000; ++round) {
    const auto pick = [&](int low, int high) {
      return std::uniform_int_distribution<int>(low, high)(random);
    };
    NmsOptions options;
    options.iou = limits[pick(0, 5)];
    options.agnostic = pick(0, 3) == 0;
    options.max_det = pick(0, 4) == 0 ? pick(0, 10) : 300;
    options.max_candidates = pick(0, 4) == 0 ? pick(0, 40) : 30000;
    const auto boxes = crowd(random, static_cast<std::size_t>(pick(0, 80)),
                             pick(0, 1) == 0 ? pick(1, 4) : 300, pick(1, 60));
    auto found = boxes;
    nms(found, options);
    ASSERT_EQ(found, plain_nms(boxes, options)) << "round " << round << " of seed 1";
  }
}

TEST(nms, equals_the_reference_on_thousands_of_candidates) {
  std::mt19937 random(2);
  for (const int classes : {1, 80}) {
    const auto boxes = crowd(random, 5000, classes, 1 << 20);
    NmsOptions options;
    options.iou = 0.7f;
    options.max_det = 100000;
    auto found = boxes;
    nms(found, options);
    ASSERT_EQ(found, plain_nms(boxes, options));
  }
}

TEST(nms, breaks_ties_by_label_and_then_by_place) {
  const Detection first{{0, 0, 1, 1}, 0.5f, 7}, second{{5, 5, 6, 6}, 0.5f, 7},
      lower{{9, 9, 10, 10}, 0.5f, 3}, best{{20, 20, 21, 21}, 0.6f, 9};
  std::vector<Detection> boxes = {first, second, lower, best};
  nms(boxes, {});
  EXPECT_EQ(boxes, (std::vector<Detection>{best, lower, first, second}));
}

TEST(nms, keeps_overlapping_boxes_of_different_classes_unless_agnostic) {
  const std::vector<Detection> boxes = {{{0, 0, 10, 10}, 0.9f, 0}, {{0, 0, 10, 10}, 0.8f, 1}};
  auto by_class = boxes;
  nms(by_class, {});
  EXPECT_EQ(by_class, boxes);
  auto agnostic = boxes;
  nms(agnostic, {.agnostic = true});
  EXPECT_EQ(agnostic, std::vector<Detection>{boxes[0]});
}

TEST(nms, keeps_a_box_that_overlaps_by_exactly_the_limit) {
  // 5 of 15 square pixels are common.
  const std::vector<Detection> boxes = {{{0, 0, 10, 1}, 0.9f, 0}, {{5, 0, 15, 1}, 0.8f, 0}};
  auto found = boxes;
  nms(found, {.iou = 5.0f / 15.0f});
  EXPECT_EQ(found, boxes);
  nms(found, {.iou = std::nextafter(5.0f / 15.0f, 0.0f)});
  EXPECT_EQ(found, std::vector<Detection>{boxes[0]});
}

TEST(nms, with_a_limit_of_one_only_sorts_and_cuts) {
  const Detection weak{{0, 0, 10, 10}, 0.7f, 0}, strong{{0, 0, 10, 10}, 0.9f, 0},
      middle{{0, 0, 10, 10}, 0.8f, 0};
  std::vector<Detection> boxes = {weak, strong, middle};
  nms(boxes, {.iou = 1, .max_det = 2});
  EXPECT_EQ(boxes, (std::vector<Detection>{strong, middle}));
}

TEST(nms, takes_any_label_and_empty_boxes) {
  constexpr auto kLow = std::numeric_limits<std::int32_t>::min();
  const std::vector<Detection> boxes = {{{3, 3, 3, 3}, 0.9f, kLow}, {{3, 3, 3, 3}, 0.9f, 1 << 30}};
  auto found = boxes;
  nms(found, {});
  EXPECT_EQ(found, boxes);
}

}  // namespace
}  // namespace osprey::model
