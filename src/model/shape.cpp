// SPDX-License-Identifier: Apache-2.0
#include "model/shape.hpp"

namespace osprey::model {

namespace {

bool matches(std::int64_t dimension, std::int64_t wanted) {
  return dimension == wanted || dimension == -1;
}

}  // namespace

std::string to_text(const Shape& shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (i > 0) text += ", ";
    text += shape[i] < 0 ? "?" : std::to_string(shape[i]);
  }
  return text + "]";
}

std::string to_text(const TensorInfo& tensor) {
  return "'" + tensor.name + "' " + to_text(tensor.shape);
}

std::int64_t count_cells(int width, int height, const std::vector<int>& strides) {
  std::int64_t cells = 0;
  for (const int stride : strides)
    cells += cells_along(width, stride) * cells_along(height, stride);
  return cells;
}

std::optional<std::int64_t> grid_channels(const Shape& shape, GridOrder order, GridSize size,
                                          std::int64_t anchors) {
  const auto rank = shape.size();
  if ((rank != 4 && rank != 5) || !matches(shape[0], 1)) return std::nullopt;
  const auto grid_at = [&](std::size_t i) {
    return matches(shape[i], size.height) && matches(shape[i + 1], size.width);
  };
  const auto product = [&](std::int64_t a, std::int64_t k) -> std::optional<std::int64_t> {
    if (a != anchors || k < 1 || k > 1 << 24) return std::nullopt;
    return a * k;
  };
  const auto whole = [&](std::int64_t ak) -> std::optional<std::int64_t> {
    if (ak < 1 || ak % anchors != 0) return std::nullopt;
    return ak;
  };
  switch (order) {
    case GridOrder::kChannels:
      if (!grid_at(rank - 2)) return std::nullopt;
      return rank == 4 ? whole(shape[1]) : product(shape[1], shape[2]);
    case GridOrder::kCells:
      if (!grid_at(1)) return std::nullopt;
      return rank == 4 ? whole(shape[3]) : product(shape[3], shape[4]);
    case GridOrder::kAnchors:
      if (rank != 5 || !grid_at(2)) return std::nullopt;
      return product(shape[1], shape[4]);
  }
  return std::nullopt;
}

GridSteps grid_steps(GridOrder order, GridSize size, std::int64_t anchors, std::int64_t values) {
  const auto cells = static_cast<std::size_t>(size.height * size.width);
  const auto a = static_cast<std::size_t>(anchors);
  const auto k = static_cast<std::size_t>(values);
  switch (order) {
    case GridOrder::kChannels:
      return {k * cells, 1, cells};
    case GridOrder::kCells:
      return {k, a * k, 1};
    case GridOrder::kAnchors:
      return {cells * k, k, 1};
  }
  return {};
}

}  // namespace osprey::model
