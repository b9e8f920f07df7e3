// SPDX-License-Identifier: Apache-2.0
#include "engine/optimisation.hpp"

#include <gmock/gmock.h>

#include "base/file_testing.hpp"
#include "onnx/model.hpp"
#include "tests/support/test_models.hpp"

namespace osprey::engine {
namespace {

class Optimising : public testing::Test {
 protected:
  Optimising() { EXPECT_TRUE(support::write_spot_detector(path("spots.onnx"), {}).ok()); }
  std::string path(const std::string& name) const { return folder_ / name; }
  base::TemporaryFolder folder_;
};

TEST_F(Optimising, a_network_that_needs_nothing_gets_no_file) {
  const auto done = optimise(path("spots.onnx"), {}, path("new.onnx"));
  ASSERT_TRUE(done.ok()) << done.error().message;
  EXPECT_TRUE(done->changes.empty());
  EXPECT_FALSE(std::filesystem::exists(path("new.onnx")));
}

TEST_F(Optimising, what_is_rewritten_says_the_same) {
  auto network = *onnx::Model::read(path("spots.onnx"));
  // The last layer's output is scaled up and down again, by channel.
  const auto nodes = network.nodes();
  std::size_t last = 0;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (nodes[i].op == "Conv") last = i;
  }
  const auto made = nodes[last].outputs.front();
  const std::vector<float> up(15, 4), down(15, 0.25f);
  network.add_constant("up", {1, 15, 1, 1}, std::span<const float>(up));
  network.add_constant("down", {1, 15, 1, 1}, std::span<const float>(down));
  network.set_output(last, 0, "plain");
  const std::vector<std::pair<std::size_t, onnx::Node>> added = {
      {last + 1, {"Mul", {"plain", "up"}, {"larger"}, {}, "larger"}},
      {last + 1, {"Identity", {"larger"}, {"same"}, {}, "same"}},
      {last + 1, {"Mul", {"down", "same"}, {made}, {}, "again"}}};
  network.insert_nodes(added);
  ASSERT_TRUE(network.write(path("worse.onnx")).ok());
  const auto done = optimise(path("worse.onnx"), {}, path("new.onnx"));
  ASSERT_TRUE(done.ok()) << done.error().message;
  EXPECT_EQ(done->changes.size(), 3u);
  ASSERT_FALSE(done->agreement.empty());
  for (const auto& one : done->agreement) EXPECT_LT(one.largest, 1e-5) << one.output;
  EXPECT_EQ(onnx::Model::read(path("new.onnx"))->nodes().size(), nodes.size());
}

/// What find_fusions() promises, OpenVINO does, and nothing of what it says is blocked.
TEST_F(Optimising, openvino_joins_what_can_be_joined) {
  auto network = onnx::Model::create("network");
  network.add_input({"x", {1, 3, 32, 32}});
  const std::vector<float> weights(3 * 3 * 3 * 3, 0.1f), bias(3, 0.5f);
  network.add_constant("b", {3}, std::span<const float>(bias));
  const auto conv = [&](const std::string& from, const std::string& to) {
    network.add_constant(to + ".w", {3, 3, 3, 3}, std::span<const float>(weights));
    network.add_node({"Conv",
                      {from, to + ".w", "b"},
                      {to},
                      {{"pads", std::vector<std::int64_t>{1, 1, 1, 1}}},
                      "conv " + to});
  };
  const auto silu = [&](const std::string& of) {
    network.add_node({"Sigmoid", {of}, {of + ".s"}, {}, "sigmoid " + of});
    network.add_node({"Mul", {of, of + ".s"}, {of + ".silu"}, {}, "mul " + of});
  };
  conv("x", "a");
  silu("a");
  conv("a.silu", "b1");
  network.add_node({"Relu", {"b1"}, {"r"}, {}, "relu"});
  conv("r", "c");
  silu("c");
  network.add_output({"c.silu", {1, 3, 32, 32}});
  network.add_output({"c", {1, 3, 32, 32}});
  ASSERT_TRUE(network.write(path("network.onnx")).ok());
  const auto found = fusions(path("network.onnx"));
  ASSERT_TRUE(found.ok()) << found.error().message;
  ASSERT_EQ(found->size(), 3u);
  for (const auto& one : *found) EXPECT_EQ(one.joined, one.blocked.empty()) << one.layer;
  EXPECT_FALSE((*found)[2].blocked.empty());
}

}  // namespace
}  // namespace osprey::engine
