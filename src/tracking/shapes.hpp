// SPDX-License-Identifier: Apache-2.0
// Zones and lines in a stream's picture, and how far things are from them.
#pragma once

#include <osprey/detection.hpp>
#include <osprey/result.hpp>

#include <string>
#include <vector>

#include "tiling/polygon.hpp"

namespace osprey::tracking {

/// An area. Corners are shares of the frame's width and height, 0..1; inside is as
/// tiling::contains() has it, of the middle of a box's lower side.
struct Zone {
  std::string name;
  tiling::Polygon polygon;          ///< three corners or more
  std::vector<std::string> labels;  ///< objects that count; empty: all
};

/// A line to be crossed, in shares of the frame, too.
struct Line {
  std::string name;
  tiling::Point from, to;
  std::vector<std::string> labels;  ///< objects that count; empty: all
};

bool same(const Zone& a, const Zone& b);
bool same(const Line& a, const Line& b);

/// Names are there and differ, corners are in the frame, labels are among `names` (if there are
/// any). Errors (kInvalidArgument) name the zone or line.
Status check_shapes(const std::vector<Zone>& zones, const std::vector<Line>& lines,
                    const std::vector<std::string>& names);

/// A frame's size, pixels.
struct FrameSize {
  double width = 1, height = 1;
};

/// Where an object stands: the middle of its box's lower side, in shares of the frame and inside of
/// it.
tiling::Point anchor_of(const Box& box, const FrameSize& frame);

/// Pixels from a point to the nearest one of the outline; both in shares.
double distance_to_outline(const tiling::Polygon& polygon, const tiling::Point& point,
                           const FrameSize& frame);

/// What a step from one point to another means to a line.
struct Step {
  double distance = 0;  ///< pixels from the line, as if it had no ends; left of it above 0
  int crossed = 0;      ///< 1: from right to left between its ends; -1: the other way; 0: not
};

Step step_at(const Line& line, const tiling::Point& before, const tiling::Point& after,
             const FrameSize& frame);

}  // namespace osprey::tracking
