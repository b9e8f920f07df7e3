// SPDX-License-Identifier: Apache-2.0
#include "runtime/openvino/quantized_outputs.hpp"

#include <memory>
#include <openvino/op/ops.hpp>
#include <openvino/openvino.hpp>

namespace osprey::runtime {

namespace {

namespace op = ov::op;

bool only_moves_numbers(const std::shared_ptr<ov::Node>& node) {
  return ov::is_type<op::v1::Transpose>(node) || ov::is_type<op::v1::Reshape>(node) ||
         ov::is_type<op::v0::Squeeze>(node) || ov::is_type<op::v0::Unsqueeze>(node);
}

}  // namespace

void dequantize_outputs(ov::Model& graph) {
  for (const auto& result : graph.get_results()) {
    auto node = result->get_input_node_shared_ptr(0);
    while (only_moves_numbers(node)) node = node->get_input_node_shared_ptr(0);
    const auto cut = ov::as_type_ptr<op::v0::Convert>(node);
    if (!cut || cut->get_element_type().bitwidth() != 8) continue;
    // It maps the range of its inputs 1 and 2 onto that of 3 and 4, here all that 8 bits hold.
    const auto rounding = ov::as_type_ptr<op::v0::FakeQuantize>(cut->get_input_node_shared_ptr(0));
    if (!rounding) continue;
    rounding->input(3).replace_source_output(rounding->input_value(1));
    rounding->input(4).replace_source_output(rounding->input_value(2));
    cut->set_convert_element_type(ov::element::f32);
  }
  graph.validate_nodes_and_infer_types();
}

}  // namespace osprey::runtime
