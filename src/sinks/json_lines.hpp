// SPDX-License-Identifier: Apache-2.0
// JSON Lines: one object a frame, in the words of DL Streamer's gvametaconvert.
#pragma once

#include <osprey/result.hpp>

#include <memory>
#include <string>
#include <vector>

#include "sinks/sink.hpp"

namespace osprey::sinks {

// The line of a frame, without the line breaks shown here; what is not marked is DL Streamer's:
//
// clang-format off
//   {"stream": 0,                 Osprey: place of the source on the command line, from 0
//    "source": "street.mp4",      the source as the user gave it
//    "sequence": 41,              Osprey: place in the stream's capture order, from 0; what was dropped leaves a gap
//    "timestamp": 1640000000,     media time, nanoseconds; 0 for a picture
//    "path": "shots/bus.jpg",     Osprey: the picture's file; only for pictures
//    "resolution": {"width": 768, "height": 576},   of the upright frame, pixels
//    "objects": [                 by falling confidence, then those with a parent_id; [] if there are none
//      {"x": 10, "y": 20, "w": 31, "h": 40,         whole pixels, edges rounded
//       "id": 7,                  the object's number in all frames of its stream; only if it is followed
//       "region_id": 1,           place in the list, from 1; only in runs of several models
//       "parent_id": 1,           region_id of the object in which this one was looked for; only if there is one
//       "roi_type": "person",     the same as detection.label
//       "bounding_box": {"x_min": 9.75, "y_min": 20.25, "x_max": 41, "y_max": 60.5},   Osprey: PIXELS, exact
//       "detection": {
//         "bounding_box": {"x_min": 0.0127, "y_min": 0.0352, "x_max": 0.0534, "y_max": 0.105},
//                                 NORMALISED: pixels / resolution, 0..1
//         "confidence": 0.875, "label": "person", "label_id": 0,
//         "model": {"name": "yolov8n"}}}]}          only in runs of several models
// clang-format on
//
// Keys and their order are always these. A frame whose inference failed has "error": "<why>" in the
// place of "objects". A class without a name has its number for a label. Numbers with a fraction
// are 32-bit floats in the shortest form that reads back the same, so equal results give equal
// bytes. Differences to gvametaconvert, which sorts keys: frames without objects have a line, and a
// "region_id" is one of the frame's, not of the run's. UTF-8; invalid bytes of names and paths
// become U+FFFD.

/// A file, which appears at finish() (see base::AtomicFile). `names` by label_id; `models`: their
/// names in a run of several, else none. Errors: those of base::AtomicFile::create().
Result<std::unique_ptr<Sink>> create_json_lines(const std::string& path,
                                                const std::vector<std::string>& names,
                                                const std::vector<std::string>& models = {});

/// An open descriptor, for "-": one write(2) a frame, so that a reader sees each line at once. The
/// descriptor stays the caller's. A reader that goes away makes write() fail (kIo) if the program
/// ignores SIGPIPE.
std::unique_ptr<Sink> create_json_lines(int descriptor, const std::vector<std::string>& names,
                                        const std::vector<std::string>& models = {});

}  // namespace osprey::sinks
