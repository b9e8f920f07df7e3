// SPDX-License-Identifier: Apache-2.0
// What joins a layer, what is in the way, and what rewriting mends.
#include "onnx/fusion.hpp"

#include <gmock/gmock.h>

#include "onnx/rewrite.hpp"
#include "onnx/wiring.hpp"

namespace osprey::onnx {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Fusions : public ::testing::Test {
 protected:
  Fusions() {
    model_.add_input({"x", {1, 2, 8, 8}});
    constant("w", {2, 2, 1, 1}, {1, 2, 3, 4});
    node("Conv", {"x", "w"}, "c");
  }

  void constant(const std::string& name, const Shape& shape, const std::vector<float>& values) {
    model_.add_constant(name, shape, std::span<const float>(values));
  }
  void node(const std::string& op, const std::vector<std::string>& from, const std::string& to) {
    model_.add_node({op, from, {to}, {}, op + "_" + to});
  }
  void silu(const std::string& from, const std::string& to) {
    node("Sigmoid", {from}, to + ".s");
    node("Mul", {from, to + ".s"}, to);
  }
  void pair(const std::string& from, const std::string& to) {
    node("QuantizeLinear", {from, "scale", "zero"}, to + ".q");
    node("DequantizeLinear", {to + ".q", "scale", "zero"}, to);
  }
  void output(const std::string& name) { model_.add_output({name, {1, 2, 8, 8}}); }
  Fusion only() {
    const auto found = find_fusions(model_);
    EXPECT_EQ(found.size(), 1u);
    return found.empty() ? Fusion{} : found.front();
  }
  std::vector<std::string> ops() {
    std::vector<std::string> ops;
    for (const auto& one : model_.nodes()) ops.push_back(one.op);
    return ops;
  }

  Model model_ = Model::create("network");
};

TEST_F(Fusions, silu_joins_also_over_rounding) {
  constant("scale", {}, {0.1f});
  constant("zero", {}, {0});
  pair("c", "c8");
  node("Sigmoid", {"c8"}, "s");
  pair("s", "s8");
  node("Mul", {"s8", "c8"}, "y");
  output("y");
  EXPECT_EQ(only().kind, FusionKind::kSilu);
  EXPECT_EQ(only().layer, "Conv_c");
  EXPECT_THAT(only().nodes, ElementsAre("Sigmoid_s", "Mul_y"));
  EXPECT_THAT(only().blocked, IsEmpty());
  EXPECT_EQ(remove_rounding(model_), 2u);
  EXPECT_THAT(ops(), ElementsAre("Conv", "Sigmoid", "Mul"));
  EXPECT_THAT(only().nodes, ElementsAre("Sigmoid_s", "Mul_y"));
}

TEST_F(Fusions, a_sigmoid_that_others_read_is_in_the_way_until_they_have_their_own) {
  silu("c", "y");
  node("ReduceSum", {"y.s"}, "sum");
  output("y");
  output("sum");
  EXPECT_THAT(only().blocked, HasSubstr("Sigmoid_y.s is also read by ReduceSum ReduceSum_sum"));
  EXPECT_THAT(rewrite(model_), ElementsAre(HasSubstr("is the SiLU's alone")));
  EXPECT_THAT(ops(), ElementsAre("Conv", "Sigmoid", "Sigmoid", "Mul", "ReduceSum"));
  const auto found = find_fusions(model_);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].kind, FusionKind::kSilu);
  // The layer's output has another reader now, a Sigmoid, too.
  EXPECT_THAT(found[0].blocked, HasSubstr("Conv_c is also read by Sigmoid"));
}

TEST_F(Fusions, an_output_before_the_activation_is_in_the_way) {
  silu("c", "y");
  output("y");
  output("c");
  EXPECT_THAT(only().blocked, HasSubstr("Conv_c is an output of the model, too"));
  EXPECT_THAT(rewrite(model_), IsEmpty());
}

TEST_F(Fusions, normalisation_and_scaling_become_part_of_the_layer) {
  constant("gamma", {2}, {2, 3});
  constant("beta", {2}, {0.5f, -0.5f});
  constant("mean", {2}, {1, 2});
  constant("variance", {2}, {4, 9});
  model_.add_node({"BatchNormalization",
                   {"c", "gamma", "beta", "mean", "variance"},
                   {"n"},
                   {{"epsilon", 0.f}},
                   "norm"});
  constant("half", {1, 2, 1, 1}, {0.5f, 0.25f});
  node("Mul", {"half", "n"}, "scaled");
  constant("one", {}, {1});
  node("Add", {"scaled", "one"}, "shifted");
  node("Identity", {"shifted"}, "same");
  node("Relu", {"same"}, "y");
  output("y");
  EXPECT_EQ(find_fusions(model_).front().kind, FusionKind::kBatchNormalization);
  EXPECT_EQ(rewrite(model_).size(), 4u);
  EXPECT_THAT(ops(), ElementsAre("Conv", "Relu"));
  EXPECT_EQ(only().kind, FusionKind::kActivation);
  const auto conv = model_.nodes().front();
  EXPECT_THAT(*model_.floats(conv.inputs[1]), ElementsAre(0.5f, 1.f, 0.75f, 1.f));
  // ((0 - mean) * gamma / sqrt(variance) + beta) * half + 1
  EXPECT_THAT(*model_.floats(conv.inputs[2]), ElementsAre(0.75f, 0.375f));
  EXPECT_TRUE(model_.check().ok());
}

TEST_F(Fusions, a_layer_whose_plain_output_is_read_stays) {
  constant("two", {}, {2});
  node("Mul", {"c", "two"}, "m");
  node("Add", {"m", "c"}, "y");
  output("y");
  EXPECT_THAT(rewrite(model_), IsEmpty());
}

TEST_F(Fusions, silu_spelt_with_exp_is_understood) {
  constant("one", {}, {1});
  node("Neg", {"c"}, "negative");
  node("Exp", {"negative"}, "e");
  node("Add", {"one", "e"}, "sum");
  node("Div", {"c", "sum"}, "y");
  output("y");
  EXPECT_THAT(find_fusions(model_), IsEmpty());
  EXPECT_EQ(rewrite(model_).size(), 1u);
  EXPECT_THAT(ops(), ElementsAre("Conv", "Sigmoid", "Mul"));
  EXPECT_EQ(only().kind, FusionKind::kSilu);
  EXPECT_TRUE(model_.check().ok());
}

TEST_F(Fusions, hard_swish_is_recognised_in_its_spellings) {
  constant("three", {}, {3});
  constant("zero", {}, {0});
  constant("six", {}, {6});
  node("Add", {"c", "three"}, "shifted");
  node("Clip", {"shifted", "zero", "six"}, "clipped");
  node("Mul", {"c", "clipped"}, "product");
  node("Div", {"product", "six"}, "y");
  output("y");
  EXPECT_EQ(only().kind, FusionKind::kHardSwish);
  EXPECT_THAT(only().nodes, ElementsAre("Add_shifted", "Clip_clipped", "Mul_product", "Div_y"));
  EXPECT_THAT(only().blocked, IsEmpty());
}

TEST_F(Fusions, an_addition_joins_only_a_bare_layer) {
  node("Add", {"c", "x"}, "sum");
  node("Relu", {"sum"}, "r");
  constant("v", {2, 2, 1, 1}, {1, 2, 3, 4});
  node("Conv", {"r", "v"}, "d");
  silu("d", "d.silu");
  node("Add", {"d.silu", "r"}, "y");
  output("y");
  const auto found = find_fusions(model_);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].kind, FusionKind::kAdd);
  EXPECT_EQ(found[1].kind, FusionKind::kSilu);
}

}  // namespace
}  // namespace osprey::onnx
