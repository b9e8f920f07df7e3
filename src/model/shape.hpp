// SPDX-License-Identifier: Apache-2.0
// Shapes of head outputs: as text, and as grids of cells.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "core/tensor.hpp"

namespace osprey::model {

/// "[1, 84, 8400]"; a dimension that is not fixed is "?".
std::string to_text(const Shape& shape);

/// "'output0' [1, 84, 8400]".
std::string to_text(const TensorInfo& tensor);

/// Cells along a side of `pixels` at `stride`.
inline std::int64_t cells_along(int pixels, int stride) {
  return (std::int64_t{pixels} + stride - 1) / stride;
}

/// Cells of all strides together.
std::int64_t count_cells(int width, int height, const std::vector<int>& strides);

/// How a tensor of one stride's cells lies in memory; K values an anchor.
enum class GridOrder : std::uint8_t {
  kChannels,  ///< [1, A*K, H, W] or [1, A, K, H, W]
  kCells,     ///< [1, H, W, A*K] or [1, H, W, A, K]
  kAnchors,   ///< [1, A, H, W, K]
};
inline constexpr std::array kGridOrders = {GridOrder::kChannels, GridOrder::kCells,
                                           GridOrder::kAnchors};

struct GridSize {
  std::int64_t height = 0, width = 0;
};

/// A*K if `shape` is a grid of `size` in that order, else nothing. Dimensions that are not fixed
/// match any height, width and batch, but not the channels.
std::optional<std::int64_t> grid_channels(const Shape& shape, GridOrder order, GridSize size,
                                          std::int64_t anchors);

/// Distances in floats between neighbours in a grid.
struct GridSteps {
  std::size_t anchor = 0, cell = 0, channel = 0;
};
GridSteps grid_steps(GridOrder order, GridSize size, std::int64_t anchors, std::int64_t values);

}  // namespace osprey::model
