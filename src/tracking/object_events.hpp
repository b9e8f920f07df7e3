// SPDX-License-Identifier: Apache-2.0
// What the objects of a stream do: they come, change, go; who is in a zone, who went over a line.
#pragma once

#include <osprey/detection.hpp>
#include <osprey/result.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/event.hpp"
#include "core/time.hpp"
#include "tracking/shapes.hpp"

namespace osprey::tracking {

struct ObjectEventsOptions {
  std::string camera;              ///< ObjectState::camera
  std::vector<std::string> names;  ///< by label_id
  std::vector<Zone> zones;         ///< ObjectState's zones are in this order
  std::vector<Line> lines;
  std::vector<std::string> labels;               ///< objects of interest; empty: all
  int confirm_frames = 3;                        ///< 1..1000 sightings until an object is one
  Duration end_after = std::chrono::seconds(3);  ///< media time without a sighting that ends it
  Duration update_interval = std::chrono::seconds(1);    ///< between two events of an object
  Duration stationary_after = std::chrono::seconds(10);  ///< in one place
  float score_step = 0.05f;  ///< 0..1; a best score better by so much is a change
};

/// Label and number of objects, in the order of the labels.
using LabelCounts = std::vector<std::pair<std::string, std::uint64_t>>;

struct ZoneCounts {
  std::string name;
  LabelCounts inside;        ///< now
  LabelCounts entered;       ///< so far, each object once
  double longest_dwell = 0;  ///< seconds, of those inside now
  std::uint64_t left = 0;    ///< visits that ended
  double left_dwell = 0;     ///< seconds, of all these together
};

struct LineCounts {
  std::string name;
  LabelCounts in, out;  ///< crossings so far; `in`: as LineCrossing has it
};

struct ShapeCounts {
  std::vector<ZoneCounts> zones;
  std::vector<LineCounts> lines;
};

/// Of one stream. An object is what has a track_id: confirmed (`new`) with its confirm_frames-th
/// sighting, ended when it was not seen for `end_after`. `update` tells of zones entered or left,
/// lines crossed, a better best score, rest and motion, at most once in `update_interval`; what
/// happens between is told with the next event. What is never confirmed makes no event and counts
/// nowhere.
///
/// An object enters or leaves a zone when it is clearly on the other side of the outline (by a
/// twentieth of its height) or stays there for three sightings; it crosses a line when it was
/// clearly on one side and is clearly on the other, and went over between the line's ends. So a box
/// that trembles on an outline counts once.
///
/// Threads: one, but for counts(), which any may call.
class ObjectEvents {
 public:
  /// Errors (kInvalidArgument): those of check_shapes(), options out of range.
  static Result<std::unique_ptr<ObjectEvents>> create(const ObjectEventsOptions& options);
  virtual ~ObjectEvents() = default;

  /// What a frame shows, of width x height pixels, > 0. `media`: of the stream; where it goes back,
  /// no time has passed. `captured`: what events call the frame's time. Events are in the order of
  /// track ids, ends last.
  virtual std::vector<Event> update(const std::vector<Detection>& detections, int width, int height,
                                    Timestamp media, WallTime captured) = 0;

  /// The stream ends, or stops for long: all its objects end, when they were last seen.
  virtual std::vector<Event> end_all() = 0;

  /// Other zones and lines from the next frame on. Those that are the same as before keep their
  /// counts; others begin with none. Errors: as create(), and then nothing changes.
  virtual Status set_shapes(std::vector<Zone> zones, std::vector<Line> lines) = 0;

  virtual ShapeCounts counts() const = 0;
};

}  // namespace osprey::tracking
