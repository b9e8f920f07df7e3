// SPDX-License-Identifier: Apache-2.0
// The same number for an object in all frames of a stream: ByteTrack, on the stream's own time.
#pragma once

#include <osprey/detection.hpp>
#include <osprey/result.hpp>

#include <memory>
#include <vector>

#include "core/time.hpp"

namespace osprey::tracking {

/// Ultralytics' names and defaults (bytetrack.yaml).
struct TrackerOptions {
  float track_high_thresh = 0.25f;  ///< 0..1; surer ones are matched first, and with lost tracks
  float track_low_thresh = 0.1f;    ///< 0..1; surer ones may still go on with a track
  float new_track_thresh = 0.25f;   ///< 0..1; others begin no track
  /// 0..100000 frames for which a lost track is remembered, from the first that did not show it.
  int track_buffer = 30;
  float match_thresh = 0.8f;    ///< 0..1; most of 1 - overlap (times confidence) of a pair
  bool fuse_score = true;       ///< overlap counts times the detection's confidence
  bool class_agnostic = false;  ///< a track may go on with another class
  /// What a frame is above: one of so many a second. Frames that are dropped leave longer steps,
  /// and tracks are expected that much farther on. Not 0.01..1000: 30.
  double frame_rate = 30;
  /// In place of track_high_thresh and new_track_thresh, by Detection::model; may be shorter.
  std::vector<float> conf_by_model;
};

/// Of one stream. Threads: one at a time.
class Tracker {
 public:
  /// Errors (kInvalidArgument) name the option.
  static Result<std::unique_ptr<Tracker>> create(const TrackerOptions& options);
  virtual ~Tracker() = default;

  /// Sets `track_id` of what a frame shows: that of a track, from 1, or -1 where there is none: it
  /// is too unsure, or new, for a track begins with its second sighting (in the first frame at
  /// once). What has a parent is passed over. `now`: media time; where it does not advance
  /// (pictures, a stream that began anew), one frame has passed. Cost: microseconds an object.
  virtual void update(std::vector<Detection>& detections, Timestamp now) = 0;
};

}  // namespace osprey::tracking
