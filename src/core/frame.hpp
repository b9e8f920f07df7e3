// SPDX-License-Identifier: Apache-2.0
// A frame on its way through the pipeline, and what became of it.
#pragma once

#include <osprey/detection.hpp>
#include <osprey/image.hpp>
#include <osprey/result.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/frame_id.hpp"
#include "core/region.hpp"
#include "core/time.hpp"

namespace osprey {

/// One captured picture. Shared as `shared_ptr<const Frame>` while in flight; never changed.
struct Frame {
  FrameId id;
  Timestamp timestamp;  ///< media time, see Timestamp
  WallTime captured;    ///< when it came out of the source
  Image image;          ///< upright: rotation metadata is already applied
  std::string path;     ///< the picture's file; empty for frames of a video
};

/// What a sink is told about a stream before its first frame.
struct StreamInfo {
  std::uint32_t index = 0;        ///< FrameId::stream of its frames
  std::string uri;                ///< as the user gave it, without user and password
  bool pictures = false;          ///< separate pictures of any size, not a video
  bool live = false;              ///< cannot be made to wait
  bool bursts = false;            ///< live, but comes in pieces of some seconds (HLS)
  double frame_rate = 0;          ///< frames a second; 0 if unknown or not a video
  int width = 0, height = 0;      ///< of the first frame, upright; 0 if unknown
  std::int64_t frame_count = -1;  ///< -1 if unknown
};

/// A frame that left the pipeline: its detections, or why it has none.
struct FrameResult {
  std::shared_ptr<const Frame> frame;
  std::vector<Detection> detections;  ///< by falling confidence, then those with a parent
  std::optional<Error> error;         ///< set when this frame's inference failed
  std::vector<Region> parts;          ///< each looked at by itself; empty if nobody asked
};

}  // namespace osprey
