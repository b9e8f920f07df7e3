// SPDX-License-Identifier: Apache-2.0
#include "quantize/equalise.hpp"

#include <gmock/gmock.h>

namespace osprey::quantize {
namespace {

using ::testing::ElementsAre;

class Equalising : public ::testing::Test {
 protected:
  Equalising() {
    model_.add_input({"x", {1, 1, 4, 4}});
    add("w", {2, 1, 1, 1}, {4, 0.25f});
    add("b", {2}, {8, 1});
    add("v", {1, 2, 1, 1}, {1, 16});
  }
  void add(const std::string& name, const Shape& shape, const std::vector<float>& values) {
    model_.add_constant(name, shape, std::span<const float>(values));
  }
  void finish(const std::string& activation) {
    model_.add_node({"Conv", {"x", "w", "b"}, {"c"}});
    model_.add_node({activation, {"c"}, {"a"}});
    model_.add_node({"Conv", {"a", "v"}, {"y"}});
    model_.add_output({"y", {1, 1, 4, 4}});
  }
  std::vector<float> input(std::size_t node, std::size_t at) {
    return *model_.floats(model_.nodes()[node].inputs[at]);
  }
  onnx::Model model_ = onnx::Model::create("network");
};

TEST_F(Equalising, makes_channels_as_large_in_both_layers) {
  finish("Relu");
  EXPECT_EQ(*equalise(model_), 1);
  // Factors 2 and 1/8: 4/2 = 1*2, 0.25*8 = 16/8.
  EXPECT_THAT(input(0, 1), ElementsAre(2, 2));
  EXPECT_THAT(input(0, 2), ElementsAre(4, 8));
  EXPECT_THAT(input(2, 1), ElementsAre(2, 2));
  EXPECT_TRUE(model_.check().ok());
}

TEST_F(Equalising, leaves_what_lets_no_factor_through) {
  finish("Sigmoid");
  EXPECT_EQ(*equalise(model_), 0);
  EXPECT_THAT(input(0, 1), ElementsAre(4, 0.25f));
}

TEST_F(Equalising, leaves_a_layer_that_others_read) {
  model_.add_node({"Relu", {"c"}, {"other"}});
  model_.add_output({"other", {1, 2, 4, 4}});
  finish("Relu");
  EXPECT_EQ(*equalise(model_), 0);
}

TEST_F(Equalising, goes_through_depthwise_layers) {
  add("d", {2, 1, 1, 1}, {1, 1});
  model_.add_node({"Conv", {"x", "w", "b"}, {"c"}});
  model_.add_node({"Relu", {"c"}, {"a"}});
  model_.add_node({"Conv", {"a", "d"}, {"e"}, {{"group", std::int64_t{2}}}});
  model_.add_node({"Conv", {"e", "v"}, {"y"}});
  model_.add_output({"y", {1, 1, 4, 4}});
  EXPECT_EQ(*equalise(model_), 2);
  // What the whole gives to a picture of ones: (4 + 8) * 1 + (0.25 + 1) * 16.
  double y = 0;
  for (std::size_t c = 0; c < 2; ++c) {
    y += static_cast<double>((input(0, 1)[c] + input(0, 2)[c]) * input(2, 1)[c] * input(3, 1)[c]);
  }
  EXPECT_NEAR(y, 32, 1e-4);
}

}  // namespace
}  // namespace osprey::quantize
