// SPDX-License-Identifier: Apache-2.0
#include "tracking/overlap.hpp"

#include <algorithm>

namespace osprey::tracking {

double overlap_of(const Box& a, const Box& b) {
  const double width = double{std::min(a.x2, b.x2)} - std::max(a.x1, b.x1);
  const double height = double{std::min(a.y2, b.y2)} - std::max(a.y1, b.y1);
  if (!(width > 0 && height > 0)) return 0;
  const auto area = [](const Box& box) {
    return (double{box.x2} - box.x1) * (double{box.y2} - box.y1);
  };
  return width * height / (area(a) + area(b) - width * height);
}

}  // namespace osprey::tracking
