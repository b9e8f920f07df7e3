// SPDX-License-Identifier: Apache-2.0
#include "runtime/openvino/describe_layers.hpp"

#include <gmock/gmock.h>

#include <openvino/op/ops.hpp>
#include <openvino/openvino.hpp>

namespace osprey::runtime {
namespace {

namespace op = ov::op;
using model::Layer;
using testing::ElementsAre;
using Kind = model::Layer::Kind;

const auto kFloats = ov::element::f32;

std::shared_ptr<op::v0::Constant> constant(const ov::Shape& shape) {
  return std::make_shared<op::v0::Constant>(kFloats, shape, std::vector<float>{1});
}

std::shared_ptr<op::v0::Parameter> picture(const ov::PartialShape& shape = {1, 4, 6, 10}) {
  return std::make_shared<op::v0::Parameter>(kFloats, shape);
}

/// 8 channels of what has 4, with a bias.
ov::Output<ov::Node> convolution(const ov::Output<ov::Node>& of) {
  const auto sums = std::make_shared<op::v1::Convolution>(
      of, constant({8, 4, 3, 3}), ov::Strides{1, 1}, ov::CoordinateDiff{1, 1},
      ov::CoordinateDiff{1, 1}, ov::Strides{1, 1});
  return std::make_shared<op::v1::Add>(sums, constant({1, 8, 1, 1}));
}

ov::Output<ov::Node> quantised(const ov::Output<ov::Node>& values) {
  return std::make_shared<op::v0::FakeQuantize>(values, constant({}), constant({}), constant({}),
                                                constant({}), 256);
}

std::vector<Layer> layers(const ov::OutputVector& outputs) {
  return layers_of(ov::Model(outputs));
}

std::vector<Kind> kinds(const ov::OutputVector& outputs) {
  std::vector<Kind> kinds;
  for (const auto& layer : layers(outputs)) kinds.push_back(layer.kind);
  return kinds;
}

TEST(DescribeLayers, tells_what_a_convolution_multiplies_and_moves) {
  const auto found = layers({convolution(picture())});
  ASSERT_EQ(found.size(), 1u);  // its bias is part of it
  EXPECT_EQ(found[0].kind, Kind::kConvolution);
  EXPECT_EQ(found[0].positions, 6 * 10 * 9);
  EXPECT_EQ(found[0].channels_in, 4);
  EXPECT_EQ(found[0].channels_out, 8);
  EXPECT_EQ(found[0].weights, 8 * 4 * 9);
  EXPECT_EQ(found[0].values_in, 4 * 60);
  EXPECT_EQ(found[0].values_out, 8 * 60);
}

TEST(DescribeLayers, knows_silu_after_a_convolution_also_between_quantisers) {
  for (const bool rounded : {false, true}) {
    const auto maybe = [&](const ov::Output<ov::Node>& values) {
      return rounded ? quantised(values) : values;
    };
    const auto x = maybe(convolution(maybe(picture())));
    const auto sigmoid = maybe(std::make_shared<op::v0::Sigmoid>(x));
    const auto found = layers({maybe(std::make_shared<op::v1::Multiply>(x, sigmoid))});
    ASSERT_EQ(found.size(), 2u);
    EXPECT_EQ(found[1].kind, Kind::kSilu);
    EXPECT_EQ(found[1].values_in, 8 * 60);
    EXPECT_EQ(found[1].values_out, 8 * 60);
  }
}

TEST(DescribeLayers, a_second_reader_keeps_silu_from_being_part_of_the_convolution) {
  const auto x = convolution(picture());
  const auto sigmoid = std::make_shared<op::v0::Sigmoid>(x);
  const auto silu = std::make_shared<op::v1::Multiply>(x, sigmoid);
  EXPECT_THAT(kinds({silu, sigmoid}), ElementsAre(Kind::kConvolution, Kind::kOther, Kind::kOther));
  EXPECT_THAT(kinds({silu, x}), ElementsAre(Kind::kConvolution, Kind::kOther, Kind::kOther));
}

TEST(DescribeLayers, simple_activations_are_part_of_the_convolution) {
  EXPECT_THAT(kinds({std::make_shared<op::v0::Relu>(convolution(picture()))}),
              ElementsAre(Kind::kConvolution));
  EXPECT_THAT(kinds({std::make_shared<op::v0::Relu>(picture())}), ElementsAre(Kind::kOther));
}

TEST(DescribeLayers, what_joins_values_moves_them_and_scales_are_free) {
  const auto in = picture();
  const auto scaled = std::make_shared<op::v1::Multiply>(in, constant({}));
  const auto found = layers({std::make_shared<op::v0::Concat>(ov::OutputVector{in, scaled}, 1)});
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].kind, Kind::kOther);
  EXPECT_EQ(found[0].values_in, 2 * 240);
  EXPECT_EQ(found[0].values_out, 2 * 240);
}

TEST(DescribeLayers, a_channel_by_itself_is_depthwise) {
  const auto each = std::make_shared<op::v1::GroupConvolution>(
      picture(), constant({4, 1, 1, 3, 3}), ov::Strides{1, 1}, ov::CoordinateDiff{1, 1},
      ov::CoordinateDiff{1, 1}, ov::Strides{1, 1});
  const auto found = layers({each});
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].kind, Kind::kDepthwise);
  EXPECT_EQ(found[0].positions, 60 * 9 * 4);
}

TEST(DescribeLayers, open_sizes_are_left_out) {
  EXPECT_TRUE(layers({convolution(picture({1, 4, -1, -1}))}).empty());
}

}  // namespace
}  // namespace osprey::runtime
