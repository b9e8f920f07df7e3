// SPDX-License-Identifier: Apache-2.0
// How much of two boxes is one.
#pragma once

#include <osprey/detection.hpp>

namespace osprey::tracking {

/// Intersection over union, 0..1; 0 where a box has no area.
double overlap_of(const Box& a, const Box& b);

}  // namespace osprey::tracking
