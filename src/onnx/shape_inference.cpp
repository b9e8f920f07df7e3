// SPDX-License-Identifier: Apache-2.0
#include "onnx/shape_inference.hpp"

#include <onnx/onnx_pb.h>
#include <onnx/shape_inference/implementation.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <unordered_map>

namespace osprey::onnx {
namespace {

constexpr std::int64_t kNewestOpset = 1000;  // the registry gives the newest it knows
constexpr int kNewestIrVersion = 8;          // the newest that libonnx 1.12 knows

/// Shape arithmetic works on short lists of numbers; weights need not be copied about.
constexpr std::int64_t kMostArithmetic = 256;

/// Whether the node is one that its operator's definition allows and whose attributes can be
/// divided by.
bool is_sound(const ::onnx::NodeProto& node, int opset) {
  static const std::set<std::string> kDivisors = {"blocksize", "dilations",    "group",
                                                  "groups",    "kernel_shape", "strides"};
  const auto* schema =
      node.domain().empty() ? ::onnx::OpSchemaRegistry::Schema(node.op_type(), opset) : nullptr;
  if (!schema) return false;
  try {
    schema->Verify(node);
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception&) {
    return false;
  }
  return std::ranges::all_of(node.attribute(), [](const ::onnx::AttributeProto& attribute) {
    if (attribute.has_g() || attribute.graphs_size() > 0) return false;
    if (!kDivisors.contains(attribute.name())) return true;
    const bool positive = std::ranges::all_of(attribute.ints(), [](auto i) { return i > 0; });
    return positive && (attribute.ints_size() > 0 || attribute.i() > 0);
  });
}

/// Goes from node to node with libonnx. Its own walk over a whole graph trusts what it is given (as
/// of 1.12 an input nobody makes or a stride of 0 ends the program) and gives up at the first
/// contradiction; here a node is asked only when it is sound and all its inputs are known.
class Inference {
 public:
  Inference(const ::onnx::ModelProto& model, std::int64_t open_batch)
      : model_(model), opset_(opset_of(model)) {
    const auto& graph = model.graph();
    for (const auto& value : graph.value_info()) declare(value);
    for (const auto& value : graph.output()) declare(value);
    for (const auto& value : graph.input()) {
      declare(value);
      auto& type = *known_[value.name()].mutable_type()->mutable_tensor_type();
      if (open_batch >= 0 && type.shape().dim_size() > 0 && !type.shape().dim(0).has_dim_value()) {
        type.mutable_shape()->mutable_dim(0)->set_dim_value(open_batch);
      }
    }
    for (const auto& tensor : graph.initializer()) {
      auto& known = known_[tensor.name()];
      known.set_name(tensor.name());
      auto& type = *known.mutable_type()->mutable_tensor_type();
      type.set_elem_type(tensor.data_type());
      type.mutable_shape()->clear_dim();
      for (const auto dim : tensor.dims()) type.mutable_shape()->add_dim()->set_dim_value(dim);
      const std::int64_t count = element_count(tensor);
      if (count >= 0 && count <= kMostArithmetic) values_[tensor.name()] = &tensor;
    }
  }

  std::map<std::string, Shape> run() {
    for (const auto& node : model_.graph().node()) {
      if (is_sound(node, opset_) && inputs_known(node) && kernel_fits(node) &&
          shape_is_short(node)) {
        infer(node);
      }
    }
    std::map<std::string, Shape> shapes;
    for (const auto& [name, value] : known_) {
      if (value.type().tensor_type().has_shape()) {
        shapes[name] = shape_of(value.type().tensor_type().shape());
      }
    }
    return shapes;
  }

 private:
  void declare(const ::onnx::ValueInfoProto& value) {
    if (value.type().has_tensor_type()) known_[value.name()] = value;
  }

  bool inputs_known(const ::onnx::NodeProto& node) const {
    return std::ranges::all_of(node.input(), [&](const std::string& name) {
      if (name.empty()) return true;
      const auto found = known_.find(name);
      return found != known_.end() && found->second.type().tensor_type().has_shape();
    });
  }

  /// libonnx walks a convolution's strides by its kernel's dimensions, be there as many or not.
  bool kernel_fits(const ::onnx::NodeProto& node) const {
    static const std::map<std::string, int> kKernels = {
        {"Conv", 1}, {"ConvInteger", 1}, {"ConvTranspose", 1}, {"QLinearConv", 3}};
    const auto kernel = kKernels.find(node.op_type());
    if (kernel == kKernels.end()) return true;
    const auto rank = [&](int input) {
      const auto found = known_.find(node.input(input));
      return found == known_.end() ? -1 : found->second.type().tensor_type().shape().dim_size();
    };
    return node.input_size() > kernel->second && rank(0) == rank(kernel->second);
  }

  /// libonnx makes a dimension for each element of a shape that is only declared, of millions too.
  bool shape_is_short(const ::onnx::NodeProto& node) const {
    static const std::map<std::string, int> kShapes = {{"ConstantOfShape", 0}, {"Expand", 1}};
    const auto shape = kShapes.find(node.op_type());
    if (shape == kShapes.end()) return true;
    const auto found = known_.find(node.input(shape->second));
    if (found == known_.end()) return false;
    const auto& extents = found->second.type().tensor_type().shape();
    return extents.dim_size() != 1 || extents.dim(0).dim_value() <= kMostArithmetic;
  }

  void infer(const ::onnx::NodeProto& node) {
    ::onnx::ModelProto step;
    step.set_ir_version(kNewestIrVersion);
    step.add_opset_import()->set_version(opset_);
    auto& graph = *step.mutable_graph();
    *graph.add_node() = node;
    for (const std::string& name :
         std::set<std::string>(node.input().begin(), node.input().end())) {
      if (name.empty()) continue;
      *graph.add_input() = known_.at(name);
      const auto value = values_.find(name);
      if (value != values_.end()) {
        *graph.add_initializer() = *value->second;
      } else {
        add_computed(name, graph);
      }
    }
    try {
      constexpr bool kCheckTypes = false;
      constexpr int kThrow = 1;
      constexpr bool kFollowShapeArithmetic = true;
      ::onnx::shape_inference::InferShapes(step, ::onnx::OpSchemaRegistry::Instance(),
                                           {kCheckTypes, kThrow, kFollowShapeArithmetic},
                                           &arithmetic_);
    } catch (const std::bad_alloc&) {
      throw;
    } catch (const std::exception&) {
      return;  // what the file declares for the node's outputs stays
    }
    for (const auto& value : graph.value_info()) {
      if (value.type().tensor_type().has_shape()) known_[value.name()] = value;
    }
  }

  /// Makes a list of numbers that shape arithmetic has found a constant of the graph, which is
  /// where Reshape and its like look for it.
  void add_computed(const std::string& name, ::onnx::GraphProto& graph) const {
    const auto found = arithmetic_.find(name);
    const auto& type = known_.at(name).type().tensor_type();
    if (found == arithmetic_.end() || type.elem_type() != ::onnx::TensorProto::INT64) return;
    const Shape shape = shape_of(type.shape());
    const auto& numbers = found->second.dim();
    const bool fits =
        shape.empty() ? numbers.size() == 1 : shape.size() == 1 && shape[0] == numbers.size();
    if (!fits || !std::ranges::all_of(numbers, [](const auto& n) { return n.has_dim_value(); })) {
      return;
    }
    auto& tensor = *graph.add_initializer();
    tensor.set_name(name);
    tensor.set_data_type(::onnx::TensorProto::INT64);
    for (const auto dim : shape) tensor.add_dims(dim);
    for (const auto& number : numbers) tensor.add_int64_data(number.dim_value());
  }

  const ::onnx::ModelProto& model_;
  int opset_;
  std::unordered_map<std::string, ::onnx::ValueInfoProto> known_;  ///< tensors: type, shape
  std::unordered_map<std::string, const ::onnx::TensorProto*> values_;
  std::unordered_map<std::string, ::onnx::TensorShapeProto> arithmetic_;  ///< lists computed so far
};

}  // namespace

int opset_of(const ::onnx::ModelProto& model) {
  for (const auto& opset : model.opset_import()) {
    if (opset.domain().empty()) {
      return static_cast<int>(std::clamp<std::int64_t>(opset.version(), 0, kNewestOpset));
    }
  }
  return 0;
}

std::int64_t element_count(const ::onnx::TensorProto& tensor) {
  std::int64_t count = 1;
  for (const auto dim : tensor.dims()) {
    if (dim < 0 || __builtin_mul_overflow(count, dim, &count)) return -1;
  }
  return count;
}

Shape shape_of(const ::onnx::TensorShapeProto& proto) {
  Shape shape;
  for (const auto& dim : proto.dim()) {
    shape.push_back(dim.has_dim_value() && dim.dim_value() >= 0 ? dim.dim_value() : -1);
  }
  return shape;
}

std::map<std::string, Shape> infer_shapes(const ::onnx::ModelProto& model,
                                          std::int64_t open_batch) {
  return Inference(model, open_batch).run();
}

}  // namespace osprey::onnx
