// SPDX-License-Identifier: Apache-2.0
// Who makes and who reads the tensors of a model's main graph.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "onnx/model.hpp"

namespace osprey::onnx {

/// What messages call it: its name or, where it has none, its first output.
std::string label(const Node& node);

/// A picture of a model as it is now. Threads: any.
class Wiring {
 public:
  /// A node's input: both by their indices.
  using Reader = std::pair<std::size_t, std::size_t>;

  explicit Wiring(const Model& model);

  const std::vector<Node>& nodes() const { return nodes_; }
  /// Nothing for constants, for inputs, and where nobody does.
  std::optional<std::size_t> maker(const std::string& tensor) const;
  /// In the nodes' order. Outputs of the graph are not among them.
  const std::vector<Reader>& readers(const std::string& tensor) const;
  /// Null if it is none.
  const TensorInfo* constant(const std::string& tensor) const;
  const TensorInfo* input(const std::string& tensor) const;
  bool is_output(const std::string& tensor) const { return outputs_.contains(tensor); }
  /// In the model's order.
  const std::vector<TensorInfo>& inputs() const { return inputs_; }

 private:
  std::vector<Node> nodes_;
  std::vector<TensorInfo> inputs_;
  std::map<std::string, TensorInfo> constants_;
  std::map<std::string, std::size_t> makers_;
  std::map<std::string, std::vector<Reader>> readers_;
  std::set<std::string> outputs_;
};

}  // namespace osprey::onnx
