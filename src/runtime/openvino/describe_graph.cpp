// SPDX-License-Identifier: Apache-2.0
#include "runtime/openvino/describe_graph.hpp"

#include <openvino/op/ops.hpp>
#include <openvino/openvino.hpp>

#include "runtime/openvino/describe_layers.hpp"

namespace osprey::runtime {

namespace {

ElementType element_type(const ov::element::Type& type) {
  if (type == ov::element::f32) return ElementType::kFloat32;
  if (type == ov::element::f16) return ElementType::kFloat16;
  if (type == ov::element::bf16) return ElementType::kBfloat16;
  if (type == ov::element::i8) return ElementType::kInt8;
  if (type == ov::element::u8) return ElementType::kUint8;
  if (type == ov::element::i32) return ElementType::kInt32;
  if (type == ov::element::i64) return ElementType::kInt64;
  return ElementType::kOther;
}

template <typename Port>
TensorInfo tensor_info(const Port& port) {
  TensorInfo info;
  if (!port.get_names().empty()) info.name = port.get_any_name();
  for (const auto& d : port.get_partial_shape()) {
    info.shape.push_back(d.is_static() ? d.get_length() : -1);
  }
  info.type = element_type(port.get_element_type());
  return info;
}

void copy_strings(const ov::AnyMap& from, const std::string& prefix,
                  std::map<std::string, std::string>& to) {
  for (const auto& [key, value] : from) {
    if (value.is<ov::AnyMap>()) {
      copy_strings(value.as<ov::AnyMap>(), prefix, to);
    } else if (value.is<std::string>()) {
      to.emplace(prefix + key, value.as<std::string>());
    }
  }
}

// The ONNX reader files a model's metadata under "framework"; the model optimiser and Ultralytics'
// IR export under "model_info".
std::map<std::string, std::string> metadata_of(const ov::Model& graph) {
  std::map<std::string, std::string> metadata;
  for (const std::string section : {"framework", "model_info"}) {
    if (graph.has_rt_info(section)) {
      const auto& entry = graph.get_rt_info<ov::Any>(section);
      if (entry.is<ov::AnyMap>()) copy_strings(entry.as<ov::AnyMap>(), "", metadata);
    }
  }
  return metadata;
}

}  // namespace

model::ModelDescription describe_graph(const ov::Model& graph, const std::string& path,
                                       const std::string& format) {
  model::ModelDescription description;
  description.path = path;
  description.format = format;
  description.metadata = metadata_of(graph);
  for (const auto& port : graph.inputs()) description.inputs.push_back(tensor_info(port));
  for (const auto& port : graph.outputs()) description.outputs.push_back(tensor_info(port));

  description.layers = layers_of(graph);
  for (const auto& layer : description.layers) {
    description.gflops += 2 * layer.positions * layer.channels_in * layer.channels_out / 1e9;
  }
  bool quantized = false, half = false;
  for (const auto& node : graph.get_ops()) {
    if (ov::is_type<ov::op::v0::FakeQuantize>(node)) quantized = true;
    if (const auto constant = ov::as_type_ptr<ov::op::v0::Constant>(node)) {
      const auto& type = constant->get_element_type();
      const auto count = ov::shape_size(constant->get_shape());
      // Scalars and shapes are arguments of operations, not weights.
      if (count > 1 && (type.is_real() || type.size() == 1)) {
        description.parameters += static_cast<std::int64_t>(count);
        half = half || type == ov::element::f16;
        quantized = quantized || type == ov::element::i8 || type == ov::element::u8;
      }
    }
  }
  description.precision = quantized ? "INT8" : half ? "FP16" : "FP32";
  return description;
}

}  // namespace osprey::runtime
