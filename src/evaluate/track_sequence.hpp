// SPDX-License-Identifier: Apache-2.0
// A sequence of frames with boxes that belong to tracks.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace osprey::evaluation {

struct TrackBox {
  std::int64_t id = 0;
  double x1 = 0, y1 = 0, x2 = 0, y2 = 0;
};

/// By frame, as many of each; no id twice in a frame.
struct TrackSequence {
  std::string name;
  std::vector<std::vector<TrackBox>> truth, found;
};

/// Intersection over union; 0 for boxes without area.
double overlap(const TrackBox& a, const TrackBox& b);

}  // namespace osprey::evaluation
