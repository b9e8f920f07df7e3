// SPDX-License-Identifier: Apache-2.0
// Pairs of rows and columns with the least sum of costs.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace osprey {

/// The column of each row, -1 for none, so that the sum of costs is least and every row (or every
/// column, if they are fewer) has its own. `cost`: row by row, finite. Where sums are equal, the
/// choice is that of SciPy's linear_sum_assignment. Cost: rows x rows x columns at worst.
std::vector<int> assign(std::span<const double> cost, std::size_t rows, std::size_t columns);

}  // namespace osprey
