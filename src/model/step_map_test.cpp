// SPDX-License-Identifier: Apache-2.0
// INT8 maps, beside the same values as floats.
#include "model/step_map.hpp"

#include <gtest/gtest.h>

#include <random>

#include "model/decoder.hpp"

namespace osprey::model {
namespace {

/// A map of random steps, in blocks and as floats.
struct Map {
  Map(std::int64_t channels, std::int64_t side, std::int64_t block, float scale, int zero_point,
      std::mt19937& random) {
    const auto blocks = (channels + block - 1) / block;
    const auto area = static_cast<std::size_t>(side * side);
    steps.resize(static_cast<std::size_t>(blocks * block) * area);
    for (auto& step : steps) step = static_cast<std::int8_t>(random() % 256);
    in_place.shape = as_floats.shape = {1, channels, side, side};
    in_place.steps = steps.data();
    in_place.scale = scale;
    in_place.zero_point = zero_point;
    in_place.block = block;
    const auto width = static_cast<std::size_t>(block);
    for (std::size_t channel = 0; channel < static_cast<std::size_t>(channels); ++channel) {
      for (std::size_t cell = 0; cell < area; ++cell) {
        const auto step = steps[(channel / width * area + cell) * width + channel % width];
        const auto from_zero = static_cast<float>(step) - static_cast<float>(zero_point);
        values.push_back(from_zero * scale);
      }
    }
    as_floats.data = values.data();
  }

  std::vector<std::int8_t> steps;
  std::vector<float> values;
  TensorView in_place, as_floats;
};

TEST(StepMap, decodes_to_exactly_what_its_values_as_floats_decode_to) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    const int classes = 1 + static_cast<int>(random() % 90);
    const std::int64_t block = round % 3 == 0 ? 8 : 16;
    const std::int64_t side = 1 + static_cast<std::int64_t>(random() % 12);
    ModelSpec spec;
    spec.input.width = spec.input.height = static_cast<int>(8 * side);
    spec.head.kind = HeadKind::kSplitDfl;
    spec.head.classes = classes;
    spec.head.scores_are_logits = random() % 2 == 0;
    spec.head.splits = {{0, 1, -1, 8}};
    DecodeOptions options;
    options.conf = static_cast<float>(random() % 1000) / 1000;
    options.multi_label = random() % 2 == 0;
    if (random() % 2 == 0) options.classes = {0, classes - 1};
    const auto decoder = Decoder::create(spec, options);
    ASSERT_TRUE(decoder.ok());
    ASSERT_TRUE((*decoder)->reads_steps());
    const Map boxes(random() % 2 == 0 ? 64 : 4, side, block, 0.07f, -30, random);
    const Map scores(classes, side, block, spec.head.scores_are_logits ? 0.05f : 0.0039f,
                     static_cast<int>(random() % 256) - 128, random);
    std::vector<Detection> steps, floats;
    const std::array<TensorView, 2> a = {boxes.in_place, scores.in_place};
    const std::array<TensorView, 2> b = {boxes.as_floats, scores.as_floats};
    ASSERT_TRUE((*decoder)->decode(a, steps).ok());
    ASSERT_TRUE((*decoder)->decode(b, floats).ok());
    ASSERT_EQ(steps.size(), floats.size()) << round;
    for (std::size_t i = 0; i < steps.size(); ++i) {
      EXPECT_EQ(steps[i].label_id, floats[i].label_id);
      EXPECT_EQ(steps[i].confidence, floats[i].confidence);
      EXPECT_EQ(steps[i].box.x1, floats[i].box.x1);
      EXPECT_EQ(steps[i].box.y2, floats[i].box.y2);
    }
  }
}

TEST(StepMap, gates_at_the_last_step_that_is_not_above) {
  std::mt19937 random(1);
  const Map map(16, 1, 16, 0.5f, 10, random);
  const StepMap steps(map.in_place);
  EXPECT_EQ(steps.gate(0), 10);
  EXPECT_EQ(steps.gate(0.4f), 10);
  EXPECT_EQ(steps.gate(0.5f), 11);
  EXPECT_EQ(steps.gate(-1000), -129);
  EXPECT_EQ(steps.gate(1000), 127);
}

}  // namespace
}  // namespace osprey::model
