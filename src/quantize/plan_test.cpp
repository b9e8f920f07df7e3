// SPDX-License-Identifier: Apache-2.0
// What is rounded of small networks, and what they look like then.
#include "quantize/plan.hpp"

#include <gmock/gmock.h>

#include "quantize/write.hpp"

namespace osprey::quantize {
namespace {

using onnx::Model;
using onnx::Node;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Ints = std::vector<std::int64_t>;

class Network {
 public:
  Network() : model_(Model::create("network")) { model_.add_input({"images", {1, 4, 8, 8}}); }

  std::string conv(const std::string& from, const std::string& to, std::int64_t channels = 4,
                   std::int64_t group = 1) {
    const Shape shape = {channels, 4 / group, 1, 1};
    const std::vector<float> weights(static_cast<std::size_t>(channels * 4 / group), 0.5f);
    const std::vector<float> bias(static_cast<std::size_t>(channels), 1.f);
    model_.add_constant(to + ".w", shape, std::span<const float>(weights));
    model_.add_constant(to + ".b", {channels}, std::span<const float>(bias));
    return node("Conv", {from, to + ".w", to + ".b"}, to, {{"group", group}});
  }
  std::string silu(const std::string& from, const std::string& to) {
    node("Sigmoid", {from}, to + ".s");
    return node("Mul", {from, to + ".s"}, to);
  }
  std::string node(const std::string& op, const std::vector<std::string>& from,
                   const std::string& to, std::map<std::string, onnx::Attribute> attributes = {}) {
    model_.add_node({op, from, {to}, std::move(attributes), "node " + to});
    return to;
  }
  Model& model() { return model_; }
  Plan plan(const std::set<std::string>& in_float = {},
            Placement placement = Placement::kLayerInputs) {
    auto plan = plan_of(model_, in_float, placement);
    EXPECT_TRUE(plan.ok()) << (plan ? "" : plan.error().message);
    return plan ? *plan : Plan{};
  }

 private:
  Model model_;
};

std::vector<std::string> names(const Plan& plan) {
  std::vector<std::string> names;
  for (const auto& point : plan.points) names.push_back(point.tensor);
  return names;
}

std::size_t group(const Plan& plan, const std::string& tensor) {
  for (const auto& point : plan.points) {
    if (point.tensor == tensor) return point.group;
  }
  ADD_FAILURE() << tensor;
  return 0;
}

TEST(Plan, rounds_behind_activations_and_not_between) {
  Network network;
  network.silu(network.conv("images", "a"), "a.silu");
  network.conv("a.silu", "out");
  network.model().add_output({"out", {1, 4, 8, 8}});
  const auto plan = network.plan();
  EXPECT_THAT(names(plan), ElementsAre("images", "a.silu"));
  EXPECT_EQ(plan.layers.size(), 2u);
  EXPECT_EQ(plan.groups, 2u);
}

TEST(Plan, what_is_joined_shares_a_scale) {
  Network network;
  network.silu(network.conv("images", "a"), "a.silu");
  network.silu(network.conv("a.silu", "b"), "b.silu");
  network.node("MaxPool", {"b.silu"}, "pool", {{"kernel_shape", Ints{1, 1}}});
  network.node("Concat", {"a.silu", "pool"}, "both", {{"axis", std::int64_t{1}}});
  network.node("Slice", {"both"}, "part");
  network.conv("part", "out");
  network.model().add_output({"out", {}});
  const auto plan = network.plan();
  EXPECT_THAT(names(plan), ElementsAre("images", "a.silu", "b.silu"));
  EXPECT_EQ(group(plan, "a.silu"), group(plan, "b.silu"));
  EXPECT_NE(group(plan, "images"), group(plan, "b.silu"));
}

TEST(Plan, a_residual_addition_adds_rounded_values) {
  Network network;
  network.silu(network.conv("images", "a"), "a.silu");
  network.silu(network.conv("a.silu", "b"), "b.silu");
  network.node("Add", {"a.silu", "b.silu"}, "sum");
  network.conv("sum", "out");
  network.model().add_output({"out", {}});
  EXPECT_THAT(names(network.plan()), ElementsAre("images", "a.silu", "b.silu", "sum"));
}

TEST(Plan, the_head_stays_in_float) {
  Network network;
  network.conv("images", "logits");
  network.node("Softmax", {"logits"}, "shares");
  network.node("Transpose", {"shares"}, "turned", {{"perm", Ints{0, 1, 3, 2}}});
  network.conv("turned", "sides", 1);
  network.model().add_output({"sides", {}});
  const auto plan = network.plan();
  EXPECT_THAT(names(plan), ElementsAre("images"));
  ASSERT_EQ(plan.left_out.size(), 1u);
  EXPECT_EQ(plan.left_out[0].first, "node sides");
  EXPECT_THAT(plan.left_out[0].second, HasSubstr("probabilities"));
}

TEST(Plan, layers_stay_in_float_when_asked) {
  Network network;
  network.conv("images", "a");
  network.conv("a", "out");
  network.model().add_output({"out", {}});
  const auto plan = network.plan({"node a"});
  EXPECT_THAT(names(plan), ElementsAre("a"));
  const auto unknown = plan_of(network.model(), {"node x"});
  ASSERT_FALSE(unknown.ok());
  EXPECT_EQ(unknown.error().message, "has no layer node x; expected names such as node a");
}

TEST(Plan, what_cannot_be_quantised_is_refused) {
  Network none;
  none.node("Relu", {"images"}, "out");
  none.model().add_output({"out", {}});
  const auto without = plan_of(none.model(), {});
  ASSERT_FALSE(without.ok());
  EXPECT_THAT(without.error().message, HasSubstr("no convolution"));

  Network twice;
  twice.conv("images", "out");
  twice.model().add_output({"out", {}});
  const auto plan = twice.plan();
  ASSERT_TRUE(write_int8(twice.model(), plan, {{0.1f, 3}}, {}, {}).ok());
  const auto again = plan_of(twice.model(), {});
  ASSERT_FALSE(again.ok());
  EXPECT_THAT(again.error().message, HasSubstr("is quantised already"));
}

std::vector<std::string> ops(const Model& model) {
  std::vector<std::string> ops;
  for (const auto& node : model.nodes()) ops.push_back(node.op);
  return ops;
}

TEST(WriteInt8, puts_pairs_behind_points_and_steps_in_place_of_weights) {
  Network network;
  network.silu(network.conv("images", "a", 4, 4), "a.silu");  // depthwise
  network.conv("a.silu", "out");
  network.model().add_output({"out", {1, 4, 8, 8}});
  const auto plan = network.plan();
  ASSERT_TRUE(write_int8(network.model(), plan, {{0.1f, 0}, {0.2f, 128}}, {}, {}).ok());
  EXPECT_THAT(
      ops(network.model()),
      ElementsAre("DequantizeLinear", "QuantizeLinear", "DequantizeLinear", "Conv", "Sigmoid",
                  "Mul", "DequantizeLinear", "QuantizeLinear", "DequantizeLinear", "Conv"));
  const auto checked = network.model().check();
  EXPECT_TRUE(checked.ok()) << (checked ? "" : checked.error().message);
  for (const auto& constant : network.model().constants()) {
    EXPECT_NE(constant.name, "a.w");  // nobody reads it any more
  }
}

TEST(WriteInt8, layers_that_share_weights_share_their_steps) {
  Network network;
  network.conv("images", "a");
  network.node("Conv", {"a", "a.w", "a.b"}, "out");
  network.model().add_output({"out", {}});
  const auto plan = network.plan();
  ASSERT_EQ(plan.layers.size(), 2u);
  ASSERT_TRUE(write_int8(network.model(), plan, {{0.1f, 0}, {0.2f, 0}}, {}, {}).ok());
  EXPECT_TRUE(network.model().check().ok());
  std::size_t int8 = 0;
  for (const auto& constant : network.model().constants()) {
    int8 += constant.type == ElementType::kInt8 && constant.shape.size() == 4 ? 1 : 0;
  }
  EXPECT_EQ(int8, 1u);
}

TEST(WriteInt8, the_bias_takes_the_shift_of_the_mean_away) {
  Network network;
  const std::vector<float> weights = {1, 0.501f, 0.3f, 0};  // 0.501 * 127 is 63.6
  const std::vector<float> bias = {10};
  network.model().add_constant("w", {1, 4, 1, 1}, std::span<const float>(weights));
  network.model().add_constant("b", {1}, std::span<const float>(bias));
  network.node("Conv", {"images", "w", "b"}, "out");
  network.model().add_output({"out", {}});
  const auto plan = network.plan();
  ASSERT_TRUE(
      write_int8(network.model(), plan, {{0.1f, 0}}, {{"images", {{0, 100, 0, 0}, {}}}}, {}).ok());
  const auto corrected = network.model().floats("b_corrected");
  ASSERT_TRUE(corrected.ok());
  EXPECT_NEAR((*corrected)[0], 10 - (64.f / 127 - 0.501f) * 100, 1e-4);
}

TEST(Plan, everywhere_means_between_layer_and_activation_and_at_the_end_too) {
  Network network;
  network.silu(network.conv("images", "a"), "a.silu");
  network.node("MaxPool", {"a.silu"}, "pool", {{"kernel_shape", Ints{1, 1}}});
  network.conv("pool", "boxes");
  network.conv("pool", "scores");
  network.model().add_output({"boxes", {1, 4, 8, 8}});
  network.model().add_output({"scores", {1, 4, 8, 8}});
  const auto plan = network.plan({}, Placement::kEverywhere);
  EXPECT_THAT(names(plan), ElementsAre("images", "a", "a.silu.s", "a.silu", "boxes", "scores"));
  EXPECT_EQ(plan.groups, 6u);
  auto& model = network.model();
  ASSERT_TRUE(write_int8(model, plan, std::vector<Scale>(plan.groups), {}, {}).ok());
  EXPECT_TRUE(model.check().ok());
  EXPECT_EQ(model.outputs()[0].name, "boxes");
  EXPECT_EQ(onnx::Wiring(model).maker("boxes").has_value(), true);
  EXPECT_EQ(model.nodes()[*onnx::Wiring(model).maker("boxes")].op, "DequantizeLinear");
}

TEST(Plan, everywhere_ends_where_the_head_decodes) {
  Network network;
  network.conv("images", "boxes");
  network.conv("images", "scores");
  network.node("Sigmoid", {"scores"}, "sure");
  network.node("Concat", {"boxes", "sure"}, "out", {{"axis", std::int64_t{1}}});
  network.model().add_output({"out", {1, 8, 8, 8}});
  const auto head = head_of(network.model());
  EXPECT_THAT(head.tensors, ElementsAre("boxes", "scores"));
  EXPECT_EQ(head.decoding.size(), 2u);
  EXPECT_THAT(names(network.plan({}, Placement::kEverywhere)),
              ElementsAre("images", "boxes", "scores"));
  network.model().end_at(head.tensors);
  EXPECT_EQ(network.model().nodes().size(), 2u);
  EXPECT_EQ(network.model().outputs()[1].shape, (Shape{1, 4, 8, 8}));
  EXPECT_TRUE(network.model().check().ok());
}

TEST(Plan, everywhere_leaves_a_float_layer_its_activation) {
  Network network;
  network.silu(network.conv("images", "a"), "a.silu");
  network.silu(network.conv("a.silu", "b"), "b.silu");
  network.conv("b.silu", "out");
  network.model().add_output({"out", {1, 4, 8, 8}});
  EXPECT_THAT(names(network.plan({"node b"}, Placement::kEverywhere)),
              ElementsAre("images", "a", "a.silu.s", "a.silu", "b.silu", "out"));
}

TEST(Plan, what_only_depthwise_layers_read_has_scales_by_channel) {
  Network network;
  network.silu(network.conv("images", "a"), "a.silu");
  network.silu(network.conv("a.silu", "b", 4, 4), "b.silu");
  network.conv("b.silu", "out");
  network.model().add_output({"out", {1, 4, 8, 8}});
  const auto plan = network.plan();
  ASSERT_EQ(plan.points.size(), 3u);
  EXPECT_FALSE(plan.points[0].by_channel);
  EXPECT_TRUE(plan.points[1].by_channel);
  EXPECT_FALSE(plan.points[2].by_channel);
  for (const auto& point : network.plan({}, Placement::kEverywhere).points) {
    EXPECT_FALSE(point.by_channel);
  }
  auto& model = network.model();
  std::vector<Scale> scales(3);
  scales[plan.points[1].group].channels = {1, 2, 3, 4};
  ASSERT_TRUE(write_int8(model, plan, scales, {}, {}).ok());
  EXPECT_TRUE(model.check().ok());
  EXPECT_THAT(*model.floats("a.silu_scale"), ElementsAre(1, 2, 3, 4));
}

}  // namespace
}  // namespace osprey::quantize
