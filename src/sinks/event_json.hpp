// SPDX-License-Identifier: Apache-2.0
// Events as JSON, in Frigate's words.
#pragma once

#include <string>

#include "core/event.hpp"
#include "outbox/outbox.hpp"

namespace osprey::sinks {

// One line, without the line breaks shown here; what is not marked means what it means to Frigate:
//
// clang-format off
//   {"type": "new",               or "update", "end"
//    "before": {...},             as "after", at the object's last event; the same as it if there was none
//    "after": {
//      "id": "1764150000.123456-k3x9qd", "camera": "door",
//      "frame_time": 1764150012.345678,           seconds since 1970, to the microsecond
//      "label": "person", "score": 0.875, "top_score": 0.91,
//      "box": [10, 20, 42, 61],                   x1, y1, x2, y2 in whole pixels
//      "area": 1312, "ratio": 0.78,               of that box: pixels, width / height
//      "current_zones": ["drive"], "entered_zones": ["drive", "lawn"],
//      "start_time": 1764150000.123456, "end_time": null,
//      "stationary": false, "false_positive": false,
//      "label_id": 0, "track_id": 12,             Osprey
//      "frame": [1920, 1080]},                    Osprey: width and height of the frame in pixels
//    "crossings": [{"line": "gate", "direction": "in"}]}   Osprey: lines gone over since "before"
// clang-format on
//
// The outbox adds "key" and "number" at the beginning.
std::string event_json(const Event& event);

/// What the outbox is to keep. `picture`: JPEG or empty.
outbox::NewEvent to_new_event(const Event& event, std::string picture = {});

}  // namespace osprey::sinks
