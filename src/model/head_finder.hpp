// SPDX-License-Identifier: Apache-2.0
// Reads a head's layout off a model's output shapes.
#pragma once

#include <osprey/result.hpp>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/head.hpp"
#include "model/shape.hpp"

namespace osprey::model {

/// Borrows the description for as long as it lives. In all members `source` is who names the head
/// ("head 'rows'", "metadata osprey.head"), empty for the shapes themselves; it begins the reason
/// and the errors. `logits`: whether sigmoid is yet to be applied.
class HeadFinder {
 public:
  /// `named_classes`: how many names the user or the model gave, if any.
  HeadFinder(const ModelDescription& model, int width, int height, std::optional<int> named_classes)
      : model_(model), width_(width), height_(height), named_(named_classes) {}

  /// The layout that the shapes fit, by the rules describe() documents.
  Result<HeadLayout> by_shape() const;

  /// A layout other than kAnchorGrid. No `logits`: found by describe()'s rule.
  Result<HeadLayout> by_kind(HeadKind kind, std::optional<bool> logits,
                             const std::string& source) const;

  /// Anchors whose outputs are to be found by their strides.
  Result<HeadLayout> by_anchors(AnchorRule rule, std::vector<AnchorScale> scales, bool logits,
                                const std::string& source) const;

  /// Anchors whose outputs are known.
  Result<HeadLayout> by_scales(AnchorRule rule, std::vector<AnchorScale> scales, bool logits,
                               const std::string& source) const;

 private:
  // An output of three dimensions: [1, rows, columns].
  struct Matrix {
    int output = 0;
    std::int64_t rows = 0, columns = 0;
  };
  // Locations a cell, over some strides.
  struct Density {
    int per_cell = 1;
    std::vector<int> strides;
  };
  // One output of a stride that has several.
  struct Member {
    int output = 0;
    std::int64_t channels = 0;
  };
  using Groups = std::map<int, std::vector<Member>>;  // by stride

  std::optional<Matrix> find_matrix() const;
  std::optional<Density> density(std::int64_t locations) const;
  bool may_be_locations(std::int64_t count, std::int64_t row_length) const;
  bool is_end_to_end(const Matrix& matrix) const;
  bool columns_are_locations(const Matrix& matrix) const;
  HeadKind kind_of_rows(const Matrix& matrix) const;
  Result<HeadLayout> matrix_head(HeadKind kind, const Matrix& matrix, bool transposed,
                                 const std::string& source) const;

  Result<HeadLayout> split_head(std::optional<bool> logits, const std::string& source) const;
  std::optional<Groups> group_by_stride(GridOrder order) const;
  std::optional<HeadLayout> split_of(const Groups& groups) const;
  bool first_is_box(const Member& first, const Member& second) const;

  GridSize size_at(int stride) const;
  const TensorInfo& output(int index) const;
  Error misfit(const std::string& source, const std::string& wanted) const;

  const ModelDescription& model_;
  int width_, height_;
  std::optional<int> named_;
};

}  // namespace osprey::model
