// SPDX-License-Identifier: Apache-2.0
#include "onnx/model.hpp"

#include <fcntl.h>
#include <onnx/checker.h>
#include <onnx/onnx_pb.h>
#include <onnx/version_converter/convert.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <limits>
#include <set>
#include <utility>

#include "base/file_writer.hpp"
#include "base/read_file.hpp"
#include "base/temporary_file.hpp"
#include "base/try.hpp"
#include "onnx/shape_inference.hpp"

namespace osprey::onnx {
namespace {

// Opset 13 is the oldest with per-channel QuantizeLinear and is read by every runtime in use; IR 7
// is what came with it.
constexpr int kOpset = 13;
constexpr int kWrittenIrVersion = 7;

constexpr std::size_t kLargest = std::numeric_limits<int>::max();  // bytes protobuf can handle

ElementType element_type(int data_type) {
  switch (data_type) {
    case ::onnx::TensorProto::FLOAT:
      return ElementType::kFloat32;
    case ::onnx::TensorProto::FLOAT16:
      return ElementType::kFloat16;
    case ::onnx::TensorProto::BFLOAT16:
      return ElementType::kBfloat16;
    case ::onnx::TensorProto::INT8:
      return ElementType::kInt8;
    case ::onnx::TensorProto::UINT8:
      return ElementType::kUint8;
    case ::onnx::TensorProto::INT32:
      return ElementType::kInt32;
    case ::onnx::TensorProto::INT64:
      return ElementType::kInt64;
    default:
      return ElementType::kOther;
  }
}

::onnx::TensorProto::DataType data_type(ElementType type) {
  switch (type) {
    case ElementType::kFloat32:
      return ::onnx::TensorProto::FLOAT;
    case ElementType::kFloat16:
      return ::onnx::TensorProto::FLOAT16;
    case ElementType::kBfloat16:
      return ::onnx::TensorProto::BFLOAT16;
    case ElementType::kInt8:
      return ::onnx::TensorProto::INT8;
    case ElementType::kUint8:
      return ::onnx::TensorProto::UINT8;
    case ElementType::kInt32:
      return ::onnx::TensorProto::INT32;
    case ElementType::kInt64:
      return ::onnx::TensorProto::INT64;
    case ElementType::kOther:
      break;
  }
  return ::onnx::TensorProto::UNDEFINED;
}

TensorInfo info_of(const ::onnx::ValueInfoProto& value) {
  const auto& type = value.type().tensor_type();
  return {value.name(), shape_of(type.shape()), element_type(type.elem_type())};
}

TensorInfo info_of(const std::string& name, const ::onnx::TensorProto& tensor) {
  return {name, Shape(tensor.dims().begin(), tensor.dims().end()),
          element_type(tensor.data_type())};
}

void set_value_info(const TensorInfo& tensor, ::onnx::ValueInfoProto& value) {
  value.set_name(tensor.name);
  auto& type = *value.mutable_type()->mutable_tensor_type();
  type.set_elem_type(data_type(tensor.type));
  auto& shape = *type.mutable_shape();
  shape.clear_dim();
  for (std::size_t i = 0; i < tensor.shape.size(); ++i) {
    auto& dim = *shape.add_dim();
    if (tensor.shape[i] >= 0) {
      dim.set_dim_value(tensor.shape[i]);
    } else {
      dim.set_dim_param(tensor.name + "_dim" + std::to_string(i));
    }
  }
}

template <typename T>
void set_tensor(const std::string& name, const Shape& shape, ElementType type,
                std::span<const T> values, ::onnx::TensorProto& tensor) {
  tensor.set_name(name);
  tensor.set_data_type(data_type(type));
  std::size_t count = 1;
  for (const auto dim : shape) {
    tensor.add_dims(dim);
    count *= static_cast<std::size_t>(dim);
  }
  assert(count == values.size());
  (void)count;
  tensor.set_raw_data(values.data(), values.size_bytes());
}

void set_attribute(const std::string& name, const Attribute& value, ::onnx::AttributeProto& proto) {
  proto.set_name(name);
  if (const auto* i = std::get_if<std::int64_t>(&value)) {
    proto.set_type(::onnx::AttributeProto::INT);
    proto.set_i(*i);
  } else if (const auto* f = std::get_if<float>(&value)) {
    proto.set_type(::onnx::AttributeProto::FLOAT);
    proto.set_f(*f);
  } else if (const auto* s = std::get_if<std::string>(&value)) {
    proto.set_type(::onnx::AttributeProto::STRING);
    proto.set_s(*s);
  } else if (const auto* ints = std::get_if<std::vector<std::int64_t>>(&value)) {
    proto.set_type(::onnx::AttributeProto::INTS);
    proto.mutable_ints()->Add(ints->begin(), ints->end());
  } else {
    const auto& floats = std::get<std::vector<float>>(value);
    proto.set_type(::onnx::AttributeProto::FLOATS);
    proto.mutable_floats()->Add(floats.begin(), floats.end());
  }
}

void add_shown(const ::onnx::AttributeProto& proto, std::map<std::string, Attribute>& attributes) {
  switch (proto.type()) {
    case ::onnx::AttributeProto::INT:
      attributes[proto.name()] = static_cast<std::int64_t>(proto.i());
      break;
    case ::onnx::AttributeProto::FLOAT:
      attributes[proto.name()] = proto.f();
      break;
    case ::onnx::AttributeProto::STRING:
      attributes[proto.name()] = proto.s();
      break;
    case ::onnx::AttributeProto::INTS:
      attributes[proto.name()] =
          std::vector<std::int64_t>(proto.ints().begin(), proto.ints().end());
      break;
    case ::onnx::AttributeProto::FLOATS:
      attributes[proto.name()] = std::vector<float>(proto.floats().begin(), proto.floats().end());
      break;
    default:
      break;
  }
}

void add_names_read(const ::onnx::GraphProto& graph, std::set<std::string>& names) {
  for (const auto& output : graph.output()) names.insert(output.name());
  for (const auto& node : graph.node()) {
    names.insert(node.input().begin(), node.input().end());
    for (const auto& attribute : node.attribute()) {
      if (attribute.has_g()) add_names_read(attribute.g(), names);
      for (const auto& within : attribute.graphs()) add_names_read(within, names);
    }
  }
}

::onnx::NodeProto proto_of(const Node& node) {
  ::onnx::NodeProto proto;
  proto.set_op_type(node.op);
  proto.set_name(node.name);
  for (const auto& input : node.inputs) proto.add_input(input);
  for (const auto& output : node.outputs) proto.add_output(output);
  for (const auto& [name, value] : node.attributes) {
    set_attribute(name, value, *proto.add_attribute());
  }
  return proto;
}

/// The tensor a Constant node holds; null where it holds something else.
const ::onnx::TensorProto* constant_tensor(const ::onnx::NodeProto& node) {
  if (node.op_type() != "Constant" || node.output_size() != 1) return nullptr;
  for (const auto& attribute : node.attribute()) {
    if (attribute.name() == "value" && attribute.has_t()) return &attribute.t();
  }
  return nullptr;
}

}  // namespace

struct Model::Impl {
  std::string name;  ///< what errors call the model
  ::onnx::ModelProto proto;
};

Model::Model(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Model::Model(Model&&) noexcept = default;
Model& Model::operator=(Model&&) noexcept = default;
Model::~Model() = default;

Model Model::create(const std::string& graph_name) {
  auto impl = std::make_unique<Impl>();
  impl->name = graph_name;
  impl->proto.set_ir_version(kWrittenIrVersion);
  impl->proto.set_producer_name("osprey");
  impl->proto.add_opset_import()->set_version(kOpset);
  impl->proto.mutable_graph()->set_name(graph_name);
  return Model(std::move(impl));
}

Result<Model> Model::read(const std::string& path) {
  return parse(OSPREY_TRY(base::read_file(path, "an ONNX model")), path);
}

Result<Model> Model::parse(std::string_view bytes, const std::string& name) {
  if (bytes.size() > kLargest) {
    return Error{ErrorCode::kUnsupported, name + ": ONNX models hold at most 2 GiB"};
  }
  auto impl = std::make_unique<Impl>();
  impl->name = name;
  const bool parsed = impl->proto.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
  if (parsed && impl->proto.has_graph() && impl->proto.graph().output_size() > 0) {
    return Model(std::move(impl));
  }
  if (bytes.empty()) return Error{ErrorCode::kCorrupt, name + ": is empty; expected an ONNX model"};
  // Every writer begins with the version of the format: field 1, a number.
  const bool begins_well = bytes.size() > 1 && bytes[0] == 0x08;
  return Error{ErrorCode::kCorrupt,
               name + (begins_well ? ": is not a whole ONNX model: it begins like one, but what "
                                     "follows is cut off or damaged (" +
                                         std::to_string(bytes.size()) + " bytes)"
                                   : ": is not an ONNX model")};
}

std::vector<TensorInfo> Model::inputs() const {
  std::set<std::string> initialised;
  for (const auto& tensor : impl_->proto.graph().initializer()) initialised.insert(tensor.name());
  std::vector<TensorInfo> infos;
  for (const auto& value : impl_->proto.graph().input()) {
    if (!initialised.contains(value.name())) infos.push_back(info_of(value));
  }
  return infos;
}

std::vector<TensorInfo> Model::outputs() const {
  std::vector<TensorInfo> infos;
  for (const auto& value : impl_->proto.graph().output()) infos.push_back(info_of(value));
  return infos;
}

std::vector<TensorInfo> Model::constants() const {
  std::vector<TensorInfo> infos;
  for (const auto& tensor : impl_->proto.graph().initializer()) {
    infos.push_back(info_of(tensor.name(), tensor));
  }
  for (const auto& node : impl_->proto.graph().node()) {
    if (const auto* tensor = constant_tensor(node))
      infos.push_back(info_of(node.output(0), *tensor));
  }
  return infos;
}

std::vector<Node> Model::nodes() const {
  std::vector<Node> nodes;
  for (const auto& proto : impl_->proto.graph().node()) {
    Node& node = nodes.emplace_back();
    node.op = proto.op_type();
    node.inputs.assign(proto.input().begin(), proto.input().end());
    node.outputs.assign(proto.output().begin(), proto.output().end());
    for (const auto& attribute : proto.attribute()) add_shown(attribute, node.attributes);
    node.name = proto.name();
  }
  return nodes;
}

std::map<std::string, std::string> Model::metadata() const {
  std::map<std::string, std::string> metadata;
  for (const auto& entry : impl_->proto.metadata_props()) metadata[entry.key()] = entry.value();
  return metadata;
}

int Model::opset() const {
  return opset_of(impl_->proto);
}

Result<std::vector<float>> Model::floats(const std::string& constant) const {
  const auto& graph = impl_->proto.graph();
  const ::onnx::TensorProto* tensor = nullptr;
  for (const auto& one : graph.initializer()) {
    if (one.name() == constant) tensor = &one;
  }
  for (const auto& node : graph.node()) {
    if (node.output_size() == 1 && node.output(0) == constant) tensor = constant_tensor(node);
  }
  const auto wrong = [&](const std::string& what) {
    return Error{ErrorCode::kUnsupported, impl_->name + ": tensor " + constant + ": " + what};
  };
  if (tensor == nullptr) return wrong("expected a constant");
  if (tensor->data_type() != ::onnx::TensorProto::FLOAT) return wrong("expected float32");
  if (tensor->data_location() == ::onnx::TensorProto::EXTERNAL) {
    return wrong("is kept in another file; expected a model in one file");
  }
  std::vector<float> values;
  if (tensor->has_raw_data()) {
    values.resize(tensor->raw_data().size() / sizeof(float));
    std::memcpy(values.data(), tensor->raw_data().data(), values.size() * sizeof(float));
  } else {
    values.assign(tensor->float_data().begin(), tensor->float_data().end());
  }
  if (static_cast<std::int64_t>(values.size()) != element_count(*tensor)) {
    return wrong("holds " + std::to_string(values.size()) + " values; expected " +
                 std::to_string(element_count(*tensor)));
  }
  return values;
}

Model Model::copy() const {
  return Model(std::make_unique<Impl>(*impl_));
}

Status Model::convert(int opset) {
  try {
    auto converted = ::onnx::version_conversion::ConvertVersion(impl_->proto, opset);
    *converted.mutable_metadata_props() = impl_->proto.metadata_props();
    impl_->proto = std::move(converted);
    return {};
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& e) {
    return Error{ErrorCode::kUnsupported, impl_->name + ": cannot be converted to opset " +
                                              std::to_string(opset) + ": " + e.what()};
  }
}

void Model::add_input(const TensorInfo& tensor) {
  set_value_info(tensor, *impl_->proto.mutable_graph()->add_input());
}

void Model::set_input_shape(const std::string& input, const Shape& shape) {
  for (auto& value : *impl_->proto.mutable_graph()->mutable_input()) {
    if (value.name() == input) set_value_info({input, shape, info_of(value).type}, value);
  }
}

void Model::add_output(const TensorInfo& tensor) {
  set_value_info(tensor, *impl_->proto.mutable_graph()->add_output());
}

void Model::show_tensor(const std::string& name) {
  auto& value = *impl_->proto.mutable_graph()->add_output();
  value.set_name(name);
  value.mutable_type()->mutable_tensor_type()->set_elem_type(::onnx::TensorProto::FLOAT);
}

void Model::add_constant(const std::string& name, const Shape& shape,
                         std::span<const float> values) {
  set_tensor(name, shape, ElementType::kFloat32, values,
             *impl_->proto.mutable_graph()->add_initializer());
}

void Model::add_constant(const std::string& name, const Shape& shape,
                         std::span<const std::int64_t> values) {
  set_tensor(name, shape, ElementType::kInt64, values,
             *impl_->proto.mutable_graph()->add_initializer());
}

void Model::add_constant(const std::string& name, const Shape& shape,
                         std::span<const std::int8_t> values) {
  set_tensor(name, shape, ElementType::kInt8, values,
             *impl_->proto.mutable_graph()->add_initializer());
}

void Model::add_constant(const std::string& name, const Shape& shape,
                         std::span<const std::uint8_t> values) {
  set_tensor(name, shape, ElementType::kUint8, values,
             *impl_->proto.mutable_graph()->add_initializer());
}

void Model::add_node(const Node& node) {
  *impl_->proto.mutable_graph()->add_node() = proto_of(node);
}

void Model::insert_nodes(std::span<const std::pair<std::size_t, Node>> nodes) {
  auto& old = *impl_->proto.mutable_graph()->mutable_node();
  ::google::protobuf::RepeatedPtrField<::onnx::NodeProto> all;
  auto next = nodes.begin();
  for (int i = 0; i <= old.size(); ++i) {
    for (; next != nodes.end() && next->first == static_cast<std::size_t>(i); ++next) {
      *all.Add() = proto_of(next->second);
    }
    if (i < old.size()) *all.Add() = std::move(old[i]);
  }
  assert(next == nodes.end());
  old = std::move(all);
}

void Model::set_input(std::size_t node, std::size_t input, const std::string& tensor) {
  auto& inputs =
      *impl_->proto.mutable_graph()->mutable_node(static_cast<int>(node))->mutable_input();
  const int at = static_cast<int>(input);
  assert(at <= inputs.size());
  *(at == inputs.size() ? inputs.Add() : inputs.Mutable(at)) = tensor;
}

void Model::set_output(std::size_t node, std::size_t output, const std::string& tensor) {
  impl_->proto.mutable_graph()
      ->mutable_node(static_cast<int>(node))
      ->set_output(static_cast<int>(output), tensor);
}

void Model::end_at(const std::vector<std::string>& tensors) {
  const auto shapes = infer_shapes();
  auto& graph = *impl_->proto.mutable_graph();
  graph.clear_output();
  for (const auto& tensor : tensors) {
    const auto shape = shapes.find(tensor);
    if (shape == shapes.end()) {
      show_tensor(tensor);
    } else {
      add_output({tensor, shape->second});
    }
  }
  remove_unused();
}

void Model::remove_unused() {
  auto& graph = *impl_->proto.mutable_graph();
  std::set<std::string> needed;
  for (const auto& output : graph.output()) needed.insert(output.name());
  auto& nodes = *graph.mutable_node();
  std::vector<int> kept;
  for (int i = nodes.size(); i-- > 0;) {
    const auto& made = nodes[i].output();
    if (std::none_of(made.begin(), made.end(),
                     [&](const auto& name) { return needed.contains(name); })) {
      continue;
    }
    kept.push_back(i);
    ::onnx::GraphProto alone;
    *alone.add_node() = nodes[i];
    add_names_read(alone, needed);
  }
  ::google::protobuf::RepeatedPtrField<::onnx::NodeProto> all;
  for (auto i = kept.rbegin(); i != kept.rend(); ++i) *all.Add() = std::move(nodes[*i]);
  nodes = std::move(all);
  auto& tensors = *graph.mutable_initializer();
  tensors.erase(std::remove_if(tensors.begin(), tensors.end(),
                               [&](const auto& tensor) { return !needed.contains(tensor.name()); }),
                tensors.end());
}

void Model::set_metadata(const std::string& key, const std::string& value) {
  for (auto& entry : *impl_->proto.mutable_metadata_props()) {
    if (entry.key() == key) return entry.set_value(value);
  }
  auto& entry = *impl_->proto.add_metadata_props();
  entry.set_key(key);
  entry.set_value(value);
}

std::map<std::string, Shape> Model::infer_shapes(std::int64_t open_batch) const {
  return onnx::infer_shapes(impl_->proto, open_batch);
}

Status Model::check() const {
  for (const auto& node : impl_->proto.graph().node()) {
    // The checker would let these pass and print a warning.
    if (::onnx::checker::check_is_experimental_op(node.op_type())) {
      return Error{ErrorCode::kUnsupported,
                   impl_->name + ": " + node.op_type() + " was never a standard operator"};
    }
  }
  try {
    ::onnx::checker::check_model(impl_->proto);
    return {};
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& e) {
    return Error{ErrorCode::kCorrupt, impl_->name + ": is not valid ONNX: " + e.what()};
  }
}

Status Model::write(const std::string& path) const {
  for (const auto& tensor : impl_->proto.graph().initializer()) {
    if (tensor.data_location() == ::onnx::TensorProto::EXTERNAL) {
      return Error{ErrorCode::kUnsupported, path + ": cannot be written: tensor \"" +
                                                tensor.name() + "\" of " + impl_->name +
                                                " is kept in another file"};
    }
  }
  if (impl_->proto.ByteSizeLong() > kLargest) {
    return Error{ErrorCode::kUnsupported,
                 path + ": cannot be written: ONNX files hold at most 2 GiB"};
  }
  auto file = OSPREY_TRY(base::TemporaryFile::create(path, path));
  auto writer = OSPREY_TRY(base::FileWriter::open(file.path(), O_WRONLY, path));
  OSPREY_TRY(writer.write(impl_->proto.SerializeAsString()));
  OSPREY_TRY(writer.close());
  return file.commit();
}

}  // namespace osprey::onnx
