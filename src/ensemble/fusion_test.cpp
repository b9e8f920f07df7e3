// SPDX-License-Identifier: Apache-2.0
#include "ensemble/fusion.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace osprey::ensemble {
namespace {

constexpr float kIou = 0.55f;

std::vector<Voter> voters(std::vector<float> weights) {
  std::vector<Voter> models;
  for (const float weight : weights) models.push_back({weight, true, {true, true, true}});
  return models;
}

// Three models' views of six objects, two classes.
const std::vector<Detection> kFound = {
    {{175, 210, 275, 313}, 0.547f, 0, 0}, {{79, 153, 178, 267}, 0.225f, 1, 0},
    {{270, 282, 369, 376}, 0.849f, 0, 0}, {{43, 65, 143, 174}, 0.174f, 1, 0},
    {{3, 141, 103, 234}, 0.475f, 0, 0},   {{7, 129, 111, 238}, 0.327f, 1, 0},
    {{160, 216, 263, 310}, 0.170f, 0, 1}, {{98, 151, 205, 260}, 0.651f, 1, 1},
    {{267, 283, 358, 390}, 0.456f, 0, 1}, {{14, 134, 124, 242}, 0.480f, 1, 1},
    {{167, 215, 261, 319}, 0.862f, 0, 2}, {{101, 159, 205, 261}, 0.771f, 1, 2},
    {{282, 275, 389, 385}, 0.831f, 0, 2}, {{44, 51, 143, 150}, 0.681f, 1, 2},
    {{10, 136, 118, 238}, 0.730f, 0, 2},  {{0, 139, 104, 246}, 0.215f, 1, 2},
};

void expect_near(const std::vector<Detection>& fused, const std::vector<Detection>& expected) {
  ASSERT_EQ(fused.size(), expected.size());
  for (std::size_t i = 0; i < fused.size(); ++i) {
    SCOPED_TRACE(i);
    EXPECT_NEAR(fused[i].box.x1, expected[i].box.x1, 2e-3);
    EXPECT_NEAR(fused[i].box.y1, expected[i].box.y1, 2e-3);
    EXPECT_NEAR(fused[i].box.x2, expected[i].box.x2, 2e-3);
    EXPECT_NEAR(fused[i].box.y2, expected[i].box.y2, 2e-3);
    EXPECT_NEAR(fused[i].confidence, expected[i].confidence, 1e-5);
    EXPECT_EQ(fused[i].label_id, expected[i].label_id);
  }
}

// Golden values: ensemble-boxes 1.0.9 (MIT), weighted_boxes_fusion, iou_thr 0.55, skip_box_thr 0.
TEST(Fusion, by_wbf_is_that_of_ensemble_boxes) {
  const auto fused = fuse(kFound, voters({1, 1, 1}), {FusionMethod::kWbf, kIou});
  expect_near(fused.detections, {{{274.028f, 279.490f, 374.433f, 382.490f}, 0.71200f, 0},
                                 {{96.809f, 155.018f, 201.311f, 261.424f}, 0.54900f, 1},
                                 {{169.018f, 213.376f, 266.065f, 315.953f}, 0.52633f, 0},
                                 {{7.241f, 137.971f, 112.087f, 236.423f}, 0.40167f, 0},
                                 {{8.815f, 133.452f, 115.633f, 241.562f}, 0.34067f, 1},
                                 {{43.796f, 53.849f, 143.000f, 154.884f}, 0.28500f, 1}});
  EXPECT_EQ(fused.detections[0].model, 0);  // the surest of its three
  EXPECT_EQ(fused.into[2], 0u);
  EXPECT_EQ(fused.into[8], 0u);
  EXPECT_EQ(fused.into[12], 0u);
}

TEST(Fusion, by_wbf_weighs_models_as_ensemble_boxes_does) {
  const auto fused = fuse(kFound, voters({2, 1, 0.5f}), {FusionMethod::kWbf, kIou});
  expect_near(fused.detections, {{{271.408f, 281.046f, 370.282f, 379.940f}, 0.73414f, 0},
                                 {{171.461f, 211.873f, 270.237f, 314.225f}, 0.48429f, 0},
                                 {{93.026f, 153.680f, 196.826f, 262.378f}, 0.42471f, 1},
                                 {{4.943f, 139.612f, 107.163f, 235.110f}, 0.37571f, 0},
                                 {{9.100f, 131.799f, 115.420f, 240.239f}, 0.35471f, 1},
                                 {{43.495f, 58.076f, 143.000f, 162.131f}, 0.19671f, 1}});
}

TEST(Fusion, by_wbf_takes_no_vote_from_models_that_cannot_see_the_object) {
  const std::vector<Detection> found = {{{10, 10, 50, 50}, 0.8f, 0, 0}};
  auto models = voters({1, 1});
  const FusionOptions options{FusionMethod::kWbf, kIou};
  EXPECT_FLOAT_EQ(fuse(found, models, options).detections[0].confidence, 0.4f);
  models[1].knows[0] = false;
  EXPECT_FLOAT_EQ(fuse(found, models, options).detections[0].confidence, 0.8f);
  models[1] = {5, false, {true, true, true}};
  EXPECT_FLOAT_EQ(fuse(found, models, options).detections[0].confidence, 0.8f);
  // But what such a model does find counts, and no confidence exceeds 1.
  const std::vector<Detection> both = {found[0], {{10, 10, 50, 50}, 0.9f, 0, 1}};
  const auto fused = fuse(both, models, options).detections;
  ASSERT_EQ(fused.size(), 1u);
  EXPECT_FLOAT_EQ(fused[0].confidence, (0.8f + 5 * 0.9f) / 2 * 2 / 6);
  EXPECT_EQ(fused[0].model, 1);
}

TEST(Fusion, by_nms_keeps_the_surest_by_weight_and_its_confidence) {
  const std::vector<Detection> found = {{{10, 10, 50, 50}, 0.8f, 0, 0},
                                        {{11, 11, 51, 51}, 0.6f, 0, 1},
                                        {{11, 11, 51, 51}, 0.7f, 1, 1}};
  const auto even = fuse(found, voters({1, 1}), {FusionMethod::kNms, kIou});
  EXPECT_EQ(even.detections, (std::vector{found[0], found[2]}));
  EXPECT_EQ(even.into, (std::vector<std::uint32_t>{0, 0, 1}));
  const auto weighted = fuse(found, voters({1, 2}), {FusionMethod::kNms, kIou});
  EXPECT_EQ(weighted.detections, (std::vector{found[2], found[1]}));
  EXPECT_EQ(weighted.into, (std::vector<std::uint32_t>{1, 1, 0}));
  const auto agnostic = fuse(found, voters({1, 1}), {FusionMethod::kNms, kIou, true});
  EXPECT_EQ(agnostic.detections, (std::vector{found[0]}));
}

TEST(Fusion, by_nothing_keeps_all_in_order) {
  const auto fused = fuse(kFound, voters({1, 1, 1}), {FusionMethod::kNone, kIou});
  ASSERT_EQ(fused.detections.size(), kFound.size());
  EXPECT_TRUE(
      std::is_sorted(fused.detections.begin(), fused.detections.end(),
                     [](const auto& a, const auto& b) { return a.confidence > b.confidence; }));
  for (std::size_t i = 0; i < kFound.size(); ++i) {
    EXPECT_EQ(fused.detections[fused.into[i]], kFound[i]);
  }
}

float iou(const Box& a, const Box& b) {
  const float w = std::min(a.x2, b.x2) - std::max(a.x1, b.x1);
  const float h = std::min(a.y2, b.y2) - std::max(a.y1, b.y1);
  const float common = std::max(0.f, w) * std::max(0.f, h);
  return common / (a.area() + b.area() - common);
}

TEST(Fusion, by_nms_is_that_of_a_plain_loop_for_random_boxes_in_any_order) {
  for (std::uint32_t seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    std::vector<Detection> found;
    for (int i = 0; i < 200; ++i) {
      const auto at = [&](std::uint32_t n) { return static_cast<float>(random() % n); };
      const float x = at(300), y = at(300);
      found.push_back({{x, y, x + 20 + at(60), y + 20 + at(60)},
                       (1 + at(1 << 22)) / ((1 << 22) + 1),
                       static_cast<std::int32_t>(random() % 3),
                       static_cast<std::int32_t>(random() % 2)});
    }
    std::vector<Detection> kept;
    auto sorted = found;
    std::stable_sort(sorted.begin(), sorted.end(),
                     [](const auto& a, const auto& b) { return a.confidence > b.confidence; });
    for (const auto& box : sorted) {
      const bool dropped = std::any_of(kept.begin(), kept.end(), [&](const auto& better) {
        return better.label_id == box.label_id && iou(better.box, box.box) > 0.3f;
      });
      if (!dropped) kept.push_back(box);
    }
    const FusionOptions options{FusionMethod::kNms, 0.3f};
    const auto fused = fuse(found, voters({1, 1}), options);
    EXPECT_EQ(fused.detections.size(), kept.size());
    for (const auto& box : kept) {
      EXPECT_NE(std::find(fused.detections.begin(), fused.detections.end(), box),
                fused.detections.end());
    }
    std::shuffle(found.begin(), found.end(), random);
    EXPECT_EQ(fuse(found, voters({1, 1}), options).detections, fused.detections);
  }
}

}  // namespace
}  // namespace osprey::ensemble
