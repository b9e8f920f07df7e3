// SPDX-License-Identifier: Apache-2.0
#include "runtime/openvino/describe_graph.hpp"

#include <gmock/gmock.h>

#include <openvino/op/ops.hpp>
#include <openvino/openvino.hpp>

namespace osprey::runtime {
namespace {

namespace op = ov::op;
using testing::Pair;
using testing::UnorderedElementsAre;

const auto kF32 = ov::element::f32;

std::shared_ptr<op::v0::Constant> weights(const ov::Shape& shape, ov::element::Type type = kF32) {
  return std::make_shared<op::v0::Constant>(type, shape, std::vector<float>{1});
}

std::shared_ptr<op::v0::Parameter> input(const ov::PartialShape& shape,
                                         ov::element::Type type = kF32) {
  return std::make_shared<op::v0::Parameter>(type, shape);
}

model::ModelDescription describe(const ov::Output<ov::Node>& output) {
  return describe_graph(ov::Model(ov::OutputVector{output}), "m.onnx", "ONNX");
}

TEST(DescribeGraph, counts_the_operations_of_what_multiplies) {
  const auto plane = input({1, 4, 6, 10});
  const auto open = input({1, 4, -1, -1});
  const ov::Strides one = {1, 1};
  const ov::CoordinateDiff none = {0, 0}, rim = {1, 1};
  const struct {
    std::string what;
    std::shared_ptr<ov::Node> node;
    double operations;
  } cases[] = {
      {"convolution",
       std::make_shared<op::v1::Convolution>(plane, weights({8, 4, 3, 3}), one, rim, rim, one),
       2.0 * 8 * 6 * 10 * 4 * 3 * 3},
      {"convolution in steps",
       std::make_shared<op::v1::Convolution>(plane, weights({8, 4, 2, 2}), ov::Strides{2, 2}, none,
                                             none, one),
       2.0 * 8 * 3 * 5 * 4 * 2 * 2},
      {"convolution of an open size",
       std::make_shared<op::v1::Convolution>(open, weights({8, 4, 3, 3}), one, rim, rim, one), 0},
      {"convolution in groups",
       std::make_shared<op::v1::GroupConvolution>(plane, weights({4, 1, 1, 3, 3}), one, rim, rim,
                                                  one),
       2.0 * 4 * 6 * 10 * 3 * 3},
      {"transposed convolution",
       std::make_shared<op::v1::ConvolutionBackpropData>(plane, weights({4, 5, 2, 2}),
                                                         ov::Strides{2, 2}, none, none, one),
       2.0 * 4 * 6 * 10 * 5 * 2 * 2},
      {"product", std::make_shared<op::v0::MatMul>(input({3, 7}), weights({7, 5}), false, false),
       2.0 * 3 * 5 * 7},
      {"product, the first turned",
       std::make_shared<op::v0::MatMul>(input({7, 3}), weights({7, 5}), true, false),
       2.0 * 3 * 5 * 7},
      {"product, the second turned",
       std::make_shared<op::v0::MatMul>(input({2, 3, 7}), weights({5, 7}), false, true),
       2.0 * 2 * 3 * 5 * 7},
      {"product of an open size",
       std::make_shared<op::v0::MatMul>(input({-1, 7}), weights({7, 5}), false, false), 0},
      {"sum", std::make_shared<op::v1::Add>(plane, weights({1, 4, 1, 1})), 0},
  };
  for (const auto& each : cases) {
    EXPECT_DOUBLE_EQ(describe(each.node).gflops, each.operations / 1e9) << each.what;
  }
}

TEST(DescribeGraph, counts_weights_and_tells_their_precision) {
  const auto sum = [](const std::shared_ptr<op::v0::Constant>& terms) {
    const auto numbers = std::make_shared<op::v0::Convert>(terms, kF32);
    return std::make_shared<op::v1::Add>(input({4, 5}), numbers);
  };
  const auto rounding = std::make_shared<op::v0::FakeQuantize>(
      input({4, 5}), weights({}), weights({}), weights({}), weights({}), 256);
  const auto reshaping = std::make_shared<op::v1::Reshape>(
      input({4, 5}), op::v0::Constant::create(ov::element::i64, {2}, {5, 4}), false);
  const struct {
    std::string what;
    std::shared_ptr<ov::Node> node;
    std::int64_t parameters;
    std::string precision;
  } cases[] = {
      {"f32", sum(weights({4, 5})), 20, "FP32"},
      {"f16", sum(weights({4, 5}, ov::element::f16)), 20, "FP16"},
      {"i8", sum(weights({4, 5}, ov::element::i8)), 20, "INT8"},
      {"u8", sum(weights({4, 5}, ov::element::u8)), 20, "INT8"},
      {"rounded", rounding, 0, "INT8"},
      {"a number is an argument", sum(weights({}, ov::element::f16)), 0, "FP32"},
      {"a shape is an argument", reshaping, 0, "FP32"},
  };
  for (const auto& each : cases) {
    const auto said = describe(each.node);
    EXPECT_EQ(said.parameters, each.parameters) << each.what;
    EXPECT_EQ(said.precision, each.precision) << each.what;
  }
}

TEST(DescribeGraph, lists_tensors_with_their_names_shapes_and_types) {
  const struct {
    ov::element::Type type;
    ElementType expected;
  } cases[] = {
      {ov::element::f32, ElementType::kFloat32},   {ov::element::f16, ElementType::kFloat16},
      {ov::element::bf16, ElementType::kBfloat16}, {ov::element::i8, ElementType::kInt8},
      {ov::element::u8, ElementType::kUint8},      {ov::element::i32, ElementType::kInt32},
      {ov::element::i64, ElementType::kInt64},     {ov::element::f64, ElementType::kOther},
  };
  for (const auto& each : cases) {
    const auto images = input({-1, 3, 8, -1}, each.type);
    images->output(0).set_names({"images"});
    const auto said = describe(std::make_shared<op::v0::Convert>(images, each.type));
    EXPECT_EQ(said.path, "m.onnx");
    EXPECT_EQ(said.format, "ONNX");
    ASSERT_EQ(said.inputs.size(), 1u);
    EXPECT_EQ(said.inputs[0].name, "images");
    EXPECT_EQ(said.inputs[0].shape, (Shape{-1, 3, 8, -1}));
    EXPECT_EQ(said.inputs[0].type, each.expected) << each.type;
    ASSERT_EQ(said.outputs.size(), 1u);
    EXPECT_EQ(said.outputs[0].name, "");
    EXPECT_EQ(said.outputs[0].type, each.expected) << each.type;
  }
}

TEST(DescribeGraph, finds_metadata_where_the_formats_keep_it) {
  ov::Model graph(ov::OutputVector{std::make_shared<op::v1::Add>(input({2}), weights({2}))});
  graph.set_rt_info(std::string("{0: 'red'}"), {"framework", "names"});
  graph.set_rt_info(std::string("YOLO"), {"model_info", "model_type"});
  graph.set_rt_info(std::string("640"), {"model_info", "resize", "width"});
  graph.set_rt_info(7, {"model_info", "number"});
  graph.set_rt_info(std::string("elsewhere"), {"conversion_parameters", "input"});
  EXPECT_THAT(describe_graph(graph, "m.xml", "OpenVINO IR").metadata,
              UnorderedElementsAre(Pair("names", "{0: 'red'}"), Pair("model_type", "YOLO"),
                                   Pair("width", "640")));
}

}  // namespace
}  // namespace osprey::runtime
