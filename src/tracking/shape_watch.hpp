// SPDX-License-Identifier: Apache-2.0
// One object and one zone or line: trembling boxes neither come and go, nor cross twice.
#pragma once

#include "tracking/shapes.hpp"

namespace osprey::tracking {

/// Where an object is.
struct Place {
  tiling::Point before, now;  ///< shares of the frame; equal at the first sighting
  double height = 0;          ///< of its box, pixels
  FrameSize frame;
};

class ZoneWatch {
 public:
  /// Whether the object is inside now.
  bool update(const Zone& zone, const Place& place);

 private:
  bool first_ = true, inside_ = false;
  int against_ = 0;  // sightings on the other side, one after another
};

class LineWatch {
 public:
  /// 1: the object has crossed from right to left; -1: the other way; 0: it has not.
  int update(const Line& line, const Place& place);

 private:
  int side_ = 0;  // where it was clearly last: 1 left, -1 right, 0 nowhere so far
  int net_ = 0;   // crossings between the line's ends since then, those back taken off
};

}  // namespace osprey::tracking
