// SPDX-License-Identifier: Apache-2.0
// Kinds of layers from floats to INT8, and what OpenVINO computes with them.
#include <gmock/gmock.h>

#include <random>

#include "base/file_testing.hpp"
#include "engine/agreement.hpp"
#include "engine/calibration.hpp"
#include "quantize/plan.hpp"
#include "quantize/write.hpp"
#include "tests/support/test_pictures.hpp"

namespace osprey::engine {
namespace {

constexpr int kSide = 32;

class QuantisedLayers : public testing::Test {
 protected:
  QuantisedLayers() {
    std::filesystem::create_directory(folder_ / "pictures");
    for (int i = 0; i < 4; ++i) {
      const support::Spot spots[] = {{2 * i, 4, 12, 12, i % 3}, {18, 16, 10, 10, 1}};
      const auto name = "pictures/" + std::to_string(i) + ".png";
      EXPECT_TRUE(
          support::write_picture(support::picture_of(kSide, kSide, spots), folder_ / name).ok());
    }
    model_.add_input({"x", {1, 3, kSide, kSide}});
    spec_.input.width = spec_.input.height = kSide;
    spec_.head.kind = model::HeadKind::kAnchorGrid;  // values, nothing else
  }

  /// Random weights, those of each output channel of a size of its own.
  void weights(const std::string& name, const Shape& shape, double spread = 1) {
    std::size_t count = 1;
    for (const auto dim : shape) count *= static_cast<std::size_t>(dim);
    std::vector<float> values(count);
    const std::size_t each = count / static_cast<std::size_t>(shape[0]);
    std::normal_distribution<float> normal;
    for (std::size_t i = 0; i < count; ++i) {
      values[i] = normal(random_) * 0.3f * static_cast<float>(std::pow(spread, i / each % 4));
    }
    model_.add_constant(name, shape, std::span<const float>(values));
  }
  std::string node(const std::string& op, std::vector<std::string> inputs, const std::string& to,
                   std::map<std::string, onnx::Attribute> attributes = {}) {
    model_.add_node({op, std::move(inputs), {to}, std::move(attributes), to});
    return to;
  }
  std::string conv(const std::string& from, const std::string& to, std::int64_t in,
                   std::int64_t out) {
    weights(to + ".w", {out, in, 1, 1});
    weights(to + ".b", {out});
    return node("Relu", {node("Conv", {from, to + ".w", to + ".b"}, to + ".c")}, to);
  }

  /// Quantises the network, and compares. The tensors that have scales by channel are counted.
  void expect_agreement(double least_db) {
    ASSERT_TRUE(model_.check().ok()) << model_.check().error().message;
    const auto plan = quantize::plan_of(model_, {});
    ASSERT_TRUE(plan.ok()) << plan.error().message;
    layers_ = plan->layers.size();
    CalibrationOptions options;
    options.data = folder_ / "pictures";
    std::vector<std::string> tensors;
    for (const auto& point : plan->points) {
      tensors.push_back(point.tensor);
      if (point.by_channel) options.with_ranges.insert(point.tensor);
    }
    by_channel_ = options.with_ranges.size();
    const auto seen = Calibrator(model_.copy(), spec_.input, tensors).run(options);
    ASSERT_TRUE(seen.ok()) << seen.error().message;
    std::vector<quantize::Histogram> together(plan->groups);
    std::vector<quantize::Scale> scales(plan->groups);
    for (const auto& point : plan->points) {
      together[point.group].merge(seen->tensors.at(point.tensor).histogram());
    }
    for (std::size_t i = 0; i < scales.size(); ++i) {
      auto range = quantize::choose_range(together[i], quantize::Algorithm::kNormal, 100);
      range.high *= 2;  // 7 bits, which no processor's sums overflow with
      scales[i] = quantize::scale_of(range);
    }
    for (const auto& point : plan->points) {
      const auto& of = seen->tensors.at(point.tensor);
      if (!point.by_channel) continue;
      scales[point.group] = quantize::scale_by_channel(of.channel_lows(), of.channel_highs());
    }
    ASSERT_TRUE(model_.write(folder_ / "floats.onnx").ok());
    auto int8 = model_.copy();
    ASSERT_TRUE(quantize::write_int8(int8, *plan, scales, {}, {}).ok());
    ASSERT_TRUE(int8.check().ok()) << int8.check().error().message;
    ASSERT_TRUE(int8.write(folder_ / "int8.onnx").ok());
    const auto pictures = pictures_of(options.data, 4);
    const auto answers = answers_of(folder_ / "floats.onnx", spec_, *pictures);
    ASSERT_TRUE(answers.ok()) << answers.error().message;
    const auto found = agreement(*answers, folder_ / "int8.onnx", spec_);
    ASSERT_TRUE(found.ok()) << found.error().message;
    for (const auto& one : *found) EXPECT_GT(one.snr_db, least_db) << one.output;
  }

  base::TemporaryFolder folder_;
  std::mt19937 random_{7};
  onnx::Model model_ = onnx::Model::create("network");
  model::ModelSpec spec_;
  std::size_t layers_ = 0, by_channel_ = 0;
};

TEST_F(QuantisedLayers, transposed) {
  weights("t.w", {8, 6, 2, 2});
  weights("t.b", {6});
  node("ConvTranspose", {conv("x", "a", 3, 8), "t.w", "t.b"}, "y",
       {{"strides", std::vector<std::int64_t>{2, 2}}});
  model_.add_output({"y", {1, 6, 2 * kSide, 2 * kSide}});
  expect_agreement(25);
  EXPECT_EQ(layers_, 2u);
}

TEST_F(QuantisedLayers, depthwise_on_channels_of_uneven_size) {
  weights("a.w", {8, 3, 1, 1}, 8);
  weights("d.w", {8, 1, 3, 3});
  node("Relu", {node("Conv", {"x", "a.w"}, "a")}, "r");
  node("Conv", {"r", "d.w"}, "y",
       {{"group", std::int64_t{8}}, {"pads", std::vector<std::int64_t>{1, 1, 1, 1}}});
  model_.add_output({"y", {1, 8, kSide, kSide}});
  expect_agreement(25);
  EXPECT_EQ(by_channel_, 1u);
}

TEST_F(QuantisedLayers, with_shared_weights) {
  weights("w", {3, 3, 1, 1});
  node("Conv", {node("Relu", {node("Conv", {"x", "w"}, "a")}, "r"), "w"}, "y");
  model_.add_output({"y", {1, 3, kSide, kSide}});
  expect_agreement(20);
  EXPECT_EQ(layers_, 2u);
}

TEST_F(QuantisedLayers, only_one) {
  weights("w", {4, 3, 3, 3});
  node("Conv", {"x", "w"}, "y");
  model_.add_output({"y", {1, 4, kSide - 2, kSide - 2}});
  expect_agreement(25);
}

TEST_F(QuantisedLayers, fully_connected) {
  node("GlobalAveragePool", {conv("x", "a", 3, 8)}, "p");
  node("Flatten", {"p"}, "f");
  weights("g.w", {8, 5});
  node("Gemm", {"f", "g.w"}, "y");
  model_.add_output({"y", {1, 5}});
  expect_agreement(20);
  EXPECT_EQ(layers_, 2u);
}

}  // namespace
}  // namespace osprey::engine
