// SPDX-License-Identifier: Apache-2.0
#include "core/assignment.hpp"

#include <limits>
#include <utility>

namespace osprey {

namespace {

/// Jonker and Volgenant's shortest augmenting paths for rectangles (Crouse, "On implementing 2D
/// rectangular assignment algorithms", 2016); no more rows than columns. Columns are tried from the
/// last to the first and, among equals, free ones are preferred: SciPy's order.
class ShortestPaths {
 public:
  ShortestPaths(std::span<const double> cost, std::size_t rows, std::size_t columns)
      : cost_(cost),
        columns_(columns),
        row_price_(rows, 0),
        column_price_(columns, 0),
        length_(columns),
        from_(columns, -1),
        column_of_(rows, -1),
        row_of_(columns, -1) {}

  std::vector<int> solve() {
    for (std::size_t row = 0; row < column_of_.size(); ++row) add(row);
    return std::move(column_of_);
  }

 private:
  void add(std::size_t row) {
    open_.clear();
    for (std::size_t column = columns_; column-- > 0;) open_.push_back(column);
    length_.assign(columns_, std::numeric_limits<double>::infinity());
    std::vector<std::size_t> rows, closed;
    double least = 0;
    std::size_t at = row;
    for (;;) {
      rows.push_back(at);
      const std::size_t column = nearest(at, least);
      closed.push_back(column);
      if (row_of_[column] < 0) break;
      at = static_cast<std::size_t>(row_of_[column]);
    }
    row_price_[row] += least;
    for (const std::size_t other : rows) {
      if (other == row) continue;
      row_price_[other] += least - length_[static_cast<std::size_t>(column_of_[other])];
    }
    for (const std::size_t column : closed) column_price_[column] -= least - length_[column];
    augment(row, closed.back());
  }

  /// Closes the open column that is nearest, over `row` or a row before it; `least` is its distance
  /// then.
  std::size_t nearest(std::size_t row, double& least) {
    std::size_t best = 0;
    double lowest = std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i < open_.size(); ++i) {
      const std::size_t column = open_[i];
      const double length =
          least + cost_[row * columns_ + column] - row_price_[row] - column_price_[column];
      if (length < length_[column]) {
        length_[column] = length;
        from_[column] = static_cast<int>(row);
      }
      if (length_[column] < lowest || (length_[column] == lowest && row_of_[column] < 0)) {
        lowest = length_[column];
        best = i;
      }
    }
    least = lowest;
    const std::size_t column = open_[best];
    open_[best] = open_.back();
    open_.pop_back();
    return column;
  }

  void augment(std::size_t row, std::size_t column) {
    for (;;) {
      const int owner = from_[column];
      row_of_[column] = owner;
      const int next =
          std::exchange(column_of_[static_cast<std::size_t>(owner)], static_cast<int>(column));
      if (static_cast<std::size_t>(owner) == row) return;
      column = static_cast<std::size_t>(next);
    }
  }

  std::span<const double> cost_;
  std::size_t columns_;
  std::vector<double> row_price_, column_price_, length_;
  std::vector<int> from_, column_of_, row_of_;
  std::vector<std::size_t> open_;
};

}  // namespace

std::vector<int> assign(std::span<const double> cost, std::size_t rows, std::size_t columns) {
  if (rows <= columns) return ShortestPaths(cost, rows, columns).solve();
  std::vector<double> turned(cost.size());
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t column = 0; column < columns; ++column) {
      turned[column * rows + row] = cost[row * columns + column];
    }
  }
  const auto row_of = ShortestPaths(turned, columns, rows).solve();
  std::vector<int> column_of(rows, -1);
  for (std::size_t column = 0; column < columns; ++column) {
    column_of[static_cast<std::size_t>(row_of[column])] = static_cast<int>(column);
  }
  return column_of;
}

}  // namespace osprey
