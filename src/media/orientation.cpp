// SPDX-License-Identifier: Apache-2.0
#include "media/orientation.hpp"

#include <cmath>

namespace osprey::media {

Orientation orientation_of(std::span<const std::int32_t, 9> m) {
  const double a = m[0];
  const double b = m[1];
  double c = m[3];
  double d = m[4];
  Orientation orientation;
  orientation.flip = a * d - b * c < 0;
  if (orientation.flip) {
    c = -c;
    d = -d;
  }
  // What is left is a rotation by an angle whose cosine is a and d, whose sine is b and -c.
  if (std::abs(a + d) >= std::abs(b - c)) {
    orientation.quarter_turns = a + d >= 0 ? 0 : 2;
  } else {
    orientation.quarter_turns = b - c > 0 ? 1 : 3;
  }
  return orientation;
}

}  // namespace osprey::media
