// SPDX-License-Identifier: Apache-2.0
// What a network sees of the bytes it is given.
#include <gmock/gmock.h>

#include <openvino/op/ops.hpp>
#include <openvino/openvino.hpp>

#include "runtime/openvino/openvino_testing.hpp"

namespace osprey::runtime {
namespace {

namespace op = ov::op;
using model::ChannelOrder;
using testing::FloatNear;
using testing::Pointwise;
using testing::StartsWith;

constexpr int kPictureWidth = 5, kPictureHeight = 2;
constexpr std::size_t kPixels = std::size_t{kPictureWidth} * kPictureHeight;

class OpenVinoPreprocessingTest : public OpenVinoTest {
 protected:
  using Inputs = std::vector<std::pair<ov::element::Type, ov::PartialShape>>;

  /// A model that gives back what it sees in its first input.
  std::string echo(const Inputs& inputs) const {
    ov::ParameterVector parameters;
    for (const auto& [type, shape] : inputs) {
      parameters.push_back(std::make_shared<op::v0::Parameter>(type, shape));
    }
    const auto seen = std::make_shared<op::v0::Convert>(parameters[0], ov::element::f32);
    auto path = folder_ / "echo.xml";
    ov::serialize(std::make_shared<ov::Model>(ov::OutputVector{seen}, parameters), path);
    return path;
  }
};

TEST_F(OpenVinoPreprocessingTest, a_network_sees_what_its_input_asks_for) {
  using Three = std::array<float, 3>;
  const auto f32 = ov::element::f32, f16 = ov::element::f16;
  const Three none = {0, 0, 0}, one = {1, 1, 1}, byte = {255, 255, 255};
  const Three means = {123.5f, 116.25f, 103.75f}, deviations = {58.5f, 57.25f, 57.75f};
  const struct {
    std::string what;
    ov::element::Type type;
    ov::PartialShape shape;
    Three mean, std;
    Three sees_mean, sees_std;  // what comes out: (byte - sees_mean) / sees_std
  } cases[] = {
      {"planes, bytes", f32, {1, 3, 2, 5}, none, one, none, one},
      {"planes, 0..1", f32, {1, 3, 2, 5}, none, byte, none, byte},
      {"planes, per channel", f32, {1, 3, 2, 5}, means, deviations, means, deviations},
      {"planes, mean only", f32, {1, 3, 2, 5}, means, one, means, one},
      {"planes, half floats", f16, {1, 3, 2, 5}, means, deviations, means, deviations},
      {"planes, open size", f32, {1, 3, -1, -1}, none, byte, none, byte},
      {"planes, open batch", f32, {-1, 3, 2, 5}, none, byte, none, byte},
      {"planes, all open", f32, {-1, 3, -1, -1}, means, deviations, means, deviations},
      {"pixels, 0..1", f32, {1, 2, 5, 3}, none, byte, none, byte},
      {"pixels, per channel", f32, {1, 2, 5, 3}, means, deviations, means, deviations},
      {"pixels, all open", f32, {-1, -1, -1, 3}, means, deviations, means, deviations},
      {"whole numbers", ov::element::u8, {1, 2, 5, 3}, means, deviations, none, one},
      {"whole numbers in planes", ov::element::u8, {1, 3, 2, 5}, none, byte, none, one},
      {"wide whole numbers", ov::element::i32, {1, 2, 5, 3}, none, byte, none, one},
      {"signed bytes", ov::element::i8, {1, 2, 5, 3}, none, byte, {128, 128, 128}, one},
  };
  const auto picture = pattern(3 * kPixels);
  for (const auto& each : cases) {
    // The order of colours is a matter of who fills the buffer.
    for (const auto order : {ChannelOrder::kRgb, ChannelOrder::kBgr}) {
      SCOPED_TRACE(each.what);
      auto input = plain_input(kPictureWidth, kPictureHeight);
      input.order = order;
      input.mean = each.mean;
      input.std = each.std;
      const auto lane = lane_of(echo({{each.type, each.shape}}), input);
      const bool planes = each.shape[1] == 3;
      Floats expected(3 * kPixels);
      for (std::size_t pixel = 0; pixel < kPixels; ++pixel) {
        for (std::size_t c = 0; c < 3; ++c) {
          expected[planes ? c * kPixels + pixel : 3 * pixel + c] =
              (static_cast<float>(picture[3 * pixel + c]) - each.sees_mean[c]) / each.sees_std[c];
        }
      }
      const float tolerance = each.type == f16 ? 2e-3f : 1e-5f;
      EXPECT_THAT(infer(*lane, picture), Pointwise(FloatNear(tolerance), expected));
      EXPECT_EQ(lane->outputs(0, 0)[0].shape, planes
                                                  ? (Shape{1, 3, kPictureHeight, kPictureWidth})
                                                  : (Shape{1, kPictureHeight, kPictureWidth, 3}));
    }
  }
}

TEST_F(OpenVinoPreprocessingTest, what_takes_no_picture_is_an_error_that_names_the_file) {
  const auto f32 = ov::element::f32;
  const ov::PartialShape picture = {1, 3, 2, 5};
  const Inputs cases[] = {
      {{f32, {30}}},
      {{f32, ov::PartialShape::dynamic()}},
      {{f32, picture}, {f32, picture}},
  };
  for (const auto& inputs : cases) {
    const auto path = echo(inputs);
    const auto loaded = must(backend_->load(path));
    EXPECT_EQ(loaded->description().inputs.size(), inputs.size());
    const auto session = loaded->compile(plain_input(kPictureWidth, kPictureHeight), {.lanes = 1});
    ASSERT_FALSE(session.ok()) << inputs[0].second;
    EXPECT_THAT(session.error().message, StartsWith(path + ": "));
  }
}

}  // namespace
}  // namespace osprey::runtime
