// SPDX-License-Identifier: Apache-2.0
// What was found: boxes in pixels, with a class and a confidence.
#pragma once

#include <cstdint>

namespace osprey {

/// An axis-aligned rectangle in pixels of the frame it belongs to; (x1, y1) is the top left corner,
/// (x2, y2) the bottom right one. The pixel grid's edges are at whole numbers: a box around the
/// whole of a 640x480 frame is {0, 0, 640, 480}.
struct Box {
  float x1 = 0, y1 = 0, x2 = 0, y2 = 0;

  float width() const { return x2 - x1; }
  float height() const { return y2 - y1; }
  float area() const { return width() * height(); }
  friend bool operator==(const Box&, const Box&) = default;
};

/// One object.
struct Detection {
  Box box;
  float confidence = 0;       ///< 0..1
  std::int32_t label_id = 0;  ///< index in the class names, from 0
  std::int32_t model = 0;     ///< which of a run's models found it, from 0
  /// Place in the same list of the object in whose part of the picture this one was looked for, by
  /// a model that runs after another; -1: none.
  std::int32_t parent = -1;
  /// The same for an object in all frames of a stream, from 1; -1: nobody follows it.
  std::int64_t track_id = -1;
  friend bool operator==(const Detection&, const Detection&) = default;
};

}  // namespace osprey
