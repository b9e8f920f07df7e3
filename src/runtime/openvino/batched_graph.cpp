// SPDX-License-Identifier: Apache-2.0
#include "runtime/openvino/batched_graph.hpp"

#include <cstdint>
#include <memory>
#include <openvino/op/constant.hpp>
#include <openvino/op/reshape.hpp>
#include <openvino/openvino.hpp>
#include <stdexcept>
#include <unordered_set>
#include <vector>

namespace osprey::runtime {

namespace {

bool begins_with_one(const ov::PartialShape& shape) {
  return shape.rank().is_static() && shape.size() > 0 && shape[0] == ov::Dimension(1);
}

// The target of a Reshape that keeps a batch of one, if it is written down.
std::shared_ptr<ov::op::v0::Constant> fixed_target(const ov::Node& node) {
  if (!ov::is_type<ov::op::v1::Reshape>(&node)) return nullptr;
  if (!begins_with_one(node.get_input_partial_shape(0)) ||
      !begins_with_one(node.get_output_partial_shape(0))) {
    return nullptr;
  }
  auto target = ov::as_type_ptr<ov::op::v0::Constant>(node.get_input_node_shared_ptr(1));
  if (!target || target->cast_vector<std::int64_t>().front() != 1) return nullptr;
  return target;
}

// Not those of the weights' side: only what comes from the input has the batch for a dimension.
std::vector<std::shared_ptr<ov::Node>> nodes_after_input(const ov::Model& graph) {
  std::vector<std::shared_ptr<ov::Node>> nodes;
  std::unordered_set<const ov::Node*> reached{graph.get_parameters().front().get()};
  for (const auto& node : graph.get_ordered_ops()) {
    for (const auto& input : node->input_values()) {
      if (!reached.contains(input.get_node())) continue;
      reached.insert(node.get());
      nodes.push_back(node);
      break;
    }
  }
  return nodes;
}

}  // namespace

void make_batched(ov::Model& graph, std::size_t batch) {
  const auto count = static_cast<std::int64_t>(batch);
  std::vector<ov::PartialShape> expected;
  for (const auto& output : graph.outputs()) expected.push_back(output.get_partial_shape());
  for (const auto& node : nodes_after_input(graph)) {
    const auto target = fixed_target(*node);
    if (!target) continue;
    auto shape = target->cast_vector<std::int64_t>();
    shape.front() = count;
    node->input(1).replace_source_output(
        ov::op::v0::Constant::create(ov::element::i64, ov::Shape{shape.size()}, shape));
  }
  // Not by Model::reshape(), which looks at the graph as it is before: batch and targets must
  // change at once.
  const auto& input = graph.get_parameters().front();
  auto shape_of_all = input->get_partial_shape();
  shape_of_all[0] = count;
  input->set_partial_shape(shape_of_all);
  graph.validate_nodes_and_infer_types();
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (expected[i].size() > 0) expected[i][0] = count;
    const auto shape = graph.output(i).get_partial_shape();
    if (shape.is_static() && shape == expected[i]) continue;
    throw std::runtime_error("cannot take " + std::to_string(batch) + " pictures at once: output " +
                             std::to_string(i) + " would be " + shape.to_string() + ", expected " +
                             expected[i].to_string());
  }
}

}  // namespace osprey::runtime
