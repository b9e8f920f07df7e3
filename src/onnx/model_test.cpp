// SPDX-License-Identifier: Apache-2.0
#include "onnx/model.hpp"

#include <gmock/gmock.h>
#include <onnx/onnx_pb.h>

#include <filesystem>

#include "base/file_testing.hpp"

namespace osprey::onnx {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

using Ints = std::vector<std::int64_t>;

/// A folder of its own for each test.
class ModelFiles : public ::testing::Test {
 protected:
  std::string file(const std::string& name) const { return folder_ / name; }
  std::string file_of(const std::string& name, const std::string& bytes) const {
    base::write_text(file(name), bytes);
    return file(name);
  }

  base::TemporaryFolder folder_;
};

/// images [N,3,8,8] -> Conv 3x3, stride 2, to 4 channels -> Reshape [N,4,16].
Model small_model() {
  Model model = Model::create("small");
  model.add_input({"images", {-1, 3, 8, 8}});
  model.add_constant("w", {4, 3, 3, 3}, std::vector<float>(4 * 3 * 3 * 3, 0.5f));
  model.add_constant("b", {4}, std::vector<float>{1, 2, 3, 4});
  model.add_constant("to", {3}, Ints{0, 4, -1});
  model.add_node(
      {"Conv", {"images", "w", "b"}, {"c"}, {{"strides", Ints{2, 2}}, {"pads", Ints{1, 1, 1, 1}}}});
  model.add_node({"Reshape", {"c", "to"}, {"out"}});
  model.add_output({"out", {-1, 4, 16}});
  return model;
}

TEST_F(ModelFiles, what_was_written_is_read_again) {
  Model written = small_model();
  written.set_metadata("names", "{0: 'spot'}");
  written.set_metadata("names", "{0: 'dot'}");
  ASSERT_TRUE(written.check().ok());
  ASSERT_TRUE(written.write(file("m.onnx")).ok());
  EXPECT_THAT(folder_.entries(), ElementsAre("m.onnx"));

  const auto model = Model::read(file("m.onnx"));
  ASSERT_TRUE(model.ok()) << model.error().message;
  ASSERT_EQ(model->inputs().size(), 1u);
  EXPECT_EQ(model->inputs()[0].name, "images");
  EXPECT_EQ(model->inputs()[0].shape, (Shape{-1, 3, 8, 8}));
  EXPECT_EQ(model->inputs()[0].type, ElementType::kFloat32);
  ASSERT_EQ(model->outputs().size(), 1u);
  EXPECT_EQ(model->outputs()[0].shape, (Shape{-1, 4, 16}));
  EXPECT_THAT(model->metadata(), ElementsAre(Pair("names", "{0: 'dot'}")));
  ASSERT_EQ(model->constants().size(), 3u);
  EXPECT_EQ(model->constants()[0].shape, (Shape{4, 3, 3, 3}));
  EXPECT_EQ(model->constants()[2].type, ElementType::kInt64);
  const auto nodes = model->nodes();
  ASSERT_EQ(nodes.size(), 2u);
  EXPECT_EQ(nodes[0].op, "Conv");
  EXPECT_THAT(nodes[0].inputs, ElementsAre("images", "w", "b"));
  EXPECT_EQ(nodes[0].attributes.at("strides"), Attribute(Ints{2, 2}));
}

TEST_F(ModelFiles, every_kind_of_attribute_survives) {
  Model model = Model::create("attributes");
  const std::map<std::string, Attribute> attributes = {{"i", std::int64_t{-7}},
                                                       {"f", 0.25f},
                                                       {"s", std::string("nearest")},
                                                       {"is", Ints{1, 2}},
                                                       {"fs", std::vector<float>{0.5f, 2}}};
  model.add_node({"Any", {"a", ""}, {"b"}, attributes, "name"});
  model.add_output({"b", {1}});
  ASSERT_TRUE(model.write(file("m.onnx")).ok());
  const auto read = Model::read(file("m.onnx"));
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->nodes()[0].attributes, attributes);
  EXPECT_EQ(read->nodes()[0].name, "name");
  EXPECT_THAT(read->nodes()[0].inputs, ElementsAre("a", ""));
}

TEST_F(ModelFiles, inputs_with_an_initialiser_need_not_be_fed) {
  Model model = small_model();
  model.add_input({"w", {4, 3, 3, 3}});
  ASSERT_EQ(model.inputs().size(), 1u);
  EXPECT_EQ(model.inputs()[0].name, "images");
}

TEST_F(ModelFiles, constant_nodes_are_constants) {
  ::onnx::ModelProto proto;
  auto& graph = *proto.mutable_graph();
  auto& node = *graph.add_node();
  node.set_op_type("Constant");
  node.add_output("k");
  auto& attribute = *node.add_attribute();
  attribute.set_name("value");
  attribute.mutable_t()->add_dims(5);
  attribute.mutable_t()->set_data_type(::onnx::TensorProto::FLOAT16);
  graph.add_output()->set_name("k");
  const auto model = Model::parse(proto.SerializeAsString(), "built");
  ASSERT_TRUE(model.ok());
  ASSERT_EQ(model->constants().size(), 1u);
  EXPECT_EQ(model->constants()[0].name, "k");
  EXPECT_EQ(model->constants()[0].shape, (Shape{5}));
  EXPECT_EQ(model->constants()[0].type, ElementType::kFloat16);
}

TEST_F(ModelFiles, shapes_follow_from_the_operators) {
  const auto shapes = small_model().infer_shapes();
  EXPECT_EQ(shapes.at("c"), (Shape{-1, 4, 4, 4}));
  EXPECT_EQ(shapes.at("out"), (Shape{-1, 4, 16}));
  EXPECT_EQ(shapes.at("w"), (Shape{4, 3, 3, 3}));
}

TEST_F(ModelFiles, shapes_follow_through_arithmetic_on_shapes) {
  Model model = Model::create("arithmetic");
  model.add_input({"x", {-1, 6, 4, 4}});
  model.add_constant("first", {1}, Ints{0});
  model.add_constant("rest", {2}, Ints{2, -1});
  model.add_node({"Shape", {"x"}, {"shape"}});
  model.add_node({"Gather", {"shape", "first"}, {"batch"}});
  model.add_node({"Concat", {"batch", "rest"}, {"to"}, {{"axis", std::int64_t{0}}}});
  model.add_node({"Reshape", {"x", "to"}, {"y"}});
  EXPECT_EQ(model.infer_shapes(5).at("y"), (Shape{5, 2, 48}));
  EXPECT_FALSE(model.infer_shapes().contains("y"));
}

TEST_F(ModelFiles, where_operators_do_not_say_it_the_declared_shape_counts) {
  Model model = small_model();
  model.add_node({"Secret", {"c"}, {"s"}});
  model.add_node({"Relu", {"s"}, {"r"}});
  model.add_output({"s", {1, 5}});
  model.add_output({"c", {9, 9}});  // wrong: the operators know better
  const auto shapes = model.infer_shapes();
  EXPECT_EQ(shapes.at("s"), (Shape{1, 5}));
  EXPECT_EQ(shapes.at("r"), (Shape{1, 5}));
  EXPECT_EQ(shapes.at("c"), (Shape{-1, 4, 4, 4}));
}

TEST_F(ModelFiles, nodes_that_no_inference_survives_have_no_shape) {
  Model model = Model::create("damaged");
  model.add_input({"x", {1, 3, 8, 8}});
  model.add_constant("ends", {1}, Ints{2});
  model.add_node(
      {"MaxPool", {"x"}, {"p"}, {{"kernel_shape", Ints{1, 1}}, {"strides", Ints{0, 0}}}});
  model.add_node({"Slice", {"x", "nobody_makes_this", "ends"}, {"s"}});
  model.add_node({"Conv", {"x"}, {"c"}});
  model.add_constant("cube", {1, 3, 1, 1, 1}, std::vector<float>{1, 1, 1});
  model.add_node({"Conv", {"x", "cube"}, {"v"}, {{"strides", Ints{2, 2}}}});
  const auto shapes = model.infer_shapes();
  for (const char* name : {"p", "s", "c", "v"}) EXPECT_FALSE(shapes.contains(name)) << name;
}

TEST_F(ModelFiles, a_shape_of_millions_of_dimensions_is_not_made) {
  Model model = Model::create("long");
  model.add_input({"x", {1}});
  model.add_input({"few", {3}, ElementType::kInt64});
  model.add_input({"many", {100'000'000}, ElementType::kInt64});
  for (const std::string shape : {"few", "many"}) {
    model.add_node({"ConstantOfShape", {shape}, {"constant_of_" + shape}});
    model.add_node({"Expand", {"x", shape}, {"expanded_to_" + shape}});
  }
  const auto shapes = model.infer_shapes();
  EXPECT_EQ(shapes.at("constant_of_few").size(), 3U);
  EXPECT_EQ(shapes.at("expanded_to_few").size(), 3U);
  EXPECT_FALSE(shapes.contains("constant_of_many"));
  EXPECT_FALSE(shapes.contains("expanded_to_many"));
}

TEST_F(ModelFiles, the_checker_finds_a_name_used_before_it_is_made) {
  Model model = Model::create("early");
  model.add_input({"a", {1}});
  model.add_node({"Relu", {"b"}, {"c"}});
  model.add_node({"Relu", {"a"}, {"b"}});
  model.add_output({"c", {1}});
  const Status status = model.check();
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.error().message, HasSubstr("early: is not valid ONNX"));
}

TEST_F(ModelFiles, the_checker_finds_an_unknown_operator) {
  Model model = Model::create("unknown");
  model.add_input({"a", {1}});
  model.add_node({"Frobnicate", {"a"}, {"b"}});
  model.add_output({"b", {1}});
  const Status status = model.check();
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.error().message, HasSubstr("Frobnicate"));
}

TEST_F(ModelFiles, an_absent_file_is_not_found) {
  const auto model = Model::read(file("absent.onnx"));
  ASSERT_FALSE(model.ok());
  EXPECT_EQ(model.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(model.error().message, HasSubstr("absent.onnx"));
}

TEST_F(ModelFiles, a_folder_is_no_model) {
  const auto model = Model::read(folder_.path());
  ASSERT_FALSE(model.ok());
  EXPECT_EQ(model.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(model.error().message, HasSubstr("is a folder"));
}

TEST_F(ModelFiles, an_empty_file_is_named_as_such) {
  const auto model = Model::read(file_of("empty.onnx", ""));
  ASSERT_FALSE(model.ok());
  EXPECT_EQ(model.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(model.error().message, HasSubstr("empty.onnx: is empty"));
}

TEST_F(ModelFiles, a_truncated_model_is_told_from_another_kind_of_file) {
  ASSERT_TRUE(small_model().write(file("m.onnx")).ok());
  const std::string bytes = base::read_text(file("m.onnx"));
  for (const std::size_t cut : {bytes.size() - 1, bytes.size() / 2, std::size_t{20}}) {
    const auto model = Model::read(file_of("cut.onnx", bytes.substr(0, cut)));
    ASSERT_FALSE(model.ok()) << cut;
    EXPECT_EQ(model.error().code, ErrorCode::kCorrupt);
    EXPECT_THAT(model.error().message, HasSubstr("cut.onnx: is not a whole ONNX model"));
  }
  for (const char* other : {"hello, world\n", "<?xml version=\"1.0\"?>", "\x89PNG\r\n"}) {
    const auto model = Model::read(file_of("other.onnx", other));
    ASSERT_FALSE(model.ok()) << other;
    EXPECT_THAT(model.error().message, HasSubstr("other.onnx: is not an ONNX model"));
  }
}

TEST_F(ModelFiles, a_failed_write_leaves_nothing_behind) {
  const Model model = small_model();
  const Status absent = model.write(file("no/such/folder/m.onnx"));
  ASSERT_FALSE(absent.ok());
  EXPECT_EQ(absent.error().code, ErrorCode::kIo);
  EXPECT_THAT(absent.error().message, HasSubstr("no/such/folder/m.onnx"));

  fs::create_directory(folder_ / "taken");
  const Status folder = model.write(file("taken"));
  ASSERT_FALSE(folder.ok());
  EXPECT_EQ(folder.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(folder_.entries(), ElementsAre("taken"));
  EXPECT_TRUE(fs::is_empty(folder_ / "taken"));
}

TEST_F(ModelFiles, writing_replaces_what_was_there) {
  file_of("m.onnx", "old");
  ASSERT_TRUE(small_model().write(file("m.onnx")).ok());
  EXPECT_TRUE(Model::read(file("m.onnx")).ok());
  EXPECT_THAT(folder_.entries(), ElementsAre("m.onnx"));
}

TEST_F(ModelFiles, tensors_in_other_files_are_not_lost_silently) {
  ::onnx::ModelProto proto;
  auto& tensor = *proto.mutable_graph()->add_initializer();
  tensor.set_name("far");
  tensor.set_data_location(::onnx::TensorProto::EXTERNAL);
  proto.mutable_graph()->add_output()->set_name("far");
  const auto model = Model::parse(proto.SerializeAsString(), "built");
  ASSERT_TRUE(model.ok());
  const Status status = model->write(file("m.onnx"));
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, ErrorCode::kUnsupported);
  EXPECT_THAT(status.error().message, HasSubstr("\"far\""));
  EXPECT_THAT(folder_.entries(), IsEmpty());
}

}  // namespace
}  // namespace osprey::onnx
