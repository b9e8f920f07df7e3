// SPDX-License-Identifier: Apache-2.0
// An ONNX model in memory: read, ask, add to, check, write.
#pragma once

#include <osprey/result.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/tensor.hpp"

namespace osprey::onnx {

using Attribute =
    std::variant<std::int64_t, float, std::string, std::vector<std::int64_t>, std::vector<float>>;

/// One operation. An input named "" is an optional one left out.
struct Node {
  std::string op;
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
  std::map<std::string, Attribute> attributes{};  ///< other kinds (tensors, graphs) are not shown
  std::string name{};
};

/// Threads: const functions may be called from many at once. Lists are copies, in the file's order.
class Model {
 public:
  /// An empty model of opset 13.
  static Model create(const std::string& graph_name);

  /// Errors: no such file, a folder, empty, over 2 GiB, truncated, not ONNX.
  static Result<Model> read(const std::string& path);

  /// The same of a file's content; `name` is what errors call it.
  static Result<Model> parse(std::string_view bytes, const std::string& name);

  Model(Model&&) noexcept;
  Model& operator=(Model&&) noexcept;
  ~Model();

  /// Inputs that must be fed: those with an initialiser are left out.
  std::vector<TensorInfo> inputs() const;
  std::vector<TensorInfo> outputs() const;
  /// Initialisers and what Constant nodes hold, without the values.
  std::vector<TensorInfo> constants() const;
  /// The main graph's; those inside If, Loop and functions are not listed.
  std::vector<Node> nodes() const;
  std::map<std::string, std::string> metadata() const;
  /// The version of the standard operators that the model uses; 0 if it does not say.
  int opset() const;
  /// What a constant of float32 holds. Errors: there is none of that name; it is of another type,
  /// kept in another file, or not as long as its shape says.
  Result<std::vector<float>> floats(const std::string& constant) const;

  Model copy() const;
  /// The same network in the operators of another version, by ONNX's own converter; metadata stays.
  /// Errors: it cannot.
  Status convert(int opset);

  void add_input(const TensorInfo& tensor);
  /// Gives an input that has a shape another one of as many dimensions.
  void set_input_shape(const std::string& input, const Shape& shape);
  void add_output(const TensorInfo& tensor);
  /// Makes a tensor of float32 within the network an output, of whatever shape it has.
  void show_tensor(const std::string& name);
  /// `values` are copied; their count must be the shape's.
  void add_constant(const std::string& name, const Shape& shape, std::span<const float> values);
  void add_constant(const std::string& name, const Shape& shape,
                    std::span<const std::int64_t> values);
  void add_constant(const std::string& name, const Shape& shape,
                    std::span<const std::int8_t> values);
  void add_constant(const std::string& name, const Shape& shape,
                    std::span<const std::uint8_t> values);
  void add_node(const Node& node);
  /// Puts each node before the one that nodes() has at its index; several at one index in their
  /// order. Indices rise.
  void insert_nodes(std::span<const std::pair<std::size_t, Node>> nodes);
  /// Node and input by their indices; the input may be the next after the last.
  void set_input(std::size_t node, std::size_t input, const std::string& tensor);
  void set_output(std::size_t node, std::size_t output, const std::string& tensor);
  /// Makes these tensors of float32 within the network its only outputs, and removes what none of
  /// them needs.
  void end_at(const std::vector<std::string>& tensors);
  /// Removes nodes that no output needs, and initialisers that no node reads, none in a graph
  /// within either.
  void remove_unused();
  void set_metadata(const std::string& key, const std::string& value);

  /// The shapes of all tensors whose rank follows from the operators or, where that cannot be said
  /// (operators newer than opset 17 or of others, nodes with graphs within), is declared; -1 marks
  /// what is open. Inputs with an open first dimension are taken to have `open_batch` there, unless
  /// that is -1. Cost: a pass over the nodes, some 20 us each.
  std::map<std::string, Shape> infer_shapes(std::int64_t open_batch = -1) const;

  /// Whether the reference checker accepts the model: known operators with their attributes, every
  /// name produced once and before its use. It knows opsets up to 17. The error quotes it.
  Status check() const;

  /// The file appears whole or not at all (see base::TemporaryFile). Errors: not writable, full,
  /// over 2 GiB, tensors kept in other files.
  Status write(const std::string& path) const;

 private:
  struct Impl;
  explicit Model(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace osprey::onnx
