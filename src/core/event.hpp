// SPDX-License-Identifier: Apache-2.0
// What happened to an object that is followed: it came, changed, went.
#pragma once

#include <osprey/detection.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/time.hpp"

namespace osprey {

/// An object as it is at one moment of its life.
struct ObjectState {
  std::string id;      ///< of no other object, of any stream or run: "1764150000.123456-k3x9qd"
  std::string camera;  ///< the stream's name
  std::int64_t track_id = -1;
  std::int32_t label_id = 0;
  std::string label;
  float score = 0, top_score = 0;  ///< now, and at best so far; 0..1
  Box box;                         ///< frame pixels
  int frame_width = 0, frame_height = 0;
  WallTime frame_time;  ///< of this state
  WallTime start_time;
  std::optional<WallTime> end_time;
  bool stationary = false;
  std::vector<std::string> current_zones;  ///< in the order they were configured
  std::vector<std::string> entered_zones;  ///< so far, in the order they were entered
};

/// An object went over a line.
struct LineCrossing {
  std::string line;
  bool in =
      true;  ///< from the line's right to its left, looking from its first point to its second
};

struct Event {
  enum class Type : std::uint8_t { kNew, kUpdate, kEnd };

  Type type = Type::kNew;
  ObjectState before;  ///< at the last event of the object; as `after` if there was none
  ObjectState after;
  std::vector<LineCrossing> crossings;  ///< since `before`
};

}  // namespace osprey
