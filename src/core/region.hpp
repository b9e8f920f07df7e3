// SPDX-License-Identifier: Apache-2.0
// A part of a picture, in whole pixels.
#pragma once

namespace osprey {

/// Columns [x, x + width), rows [y, y + height) of a picture, inside of it; sizes > 0.
struct Region {
  int x = 0, y = 0, width = 0, height = 0;

  friend bool operator==(const Region&, const Region&) = default;
};

}  // namespace osprey
