// SPDX-License-Identifier: Apache-2.0
#include "engine/stream_tracks.hpp"

#include <algorithm>
#include <utility>

#include "base/try.hpp"

namespace osprey::engine {

namespace {

/// Leaves out what has no number and what is attached to it. Things come after their parents.
void keep_followed(std::vector<Detection>& detections) {
  std::vector<std::int32_t> place(detections.size(), -1);
  std::size_t kept = 0;
  for (std::size_t i = 0; i < detections.size(); ++i) {
    auto detection = detections[i];
    const bool attached = detection.parent >= 0;
    if (attached) detection.parent = place[static_cast<std::size_t>(detection.parent)];
    if (attached ? detection.parent < 0 : detection.track_id < 0) continue;
    place[i] = static_cast<std::int32_t>(kept);
    detections[kept++] = detection;
  }
  detections.resize(kept);
}

}  // namespace

Result<StreamTracks> StreamTracks::create(const Options& options, const RunModels& models) {
  StreamTracks tracks;
  tracks.options_.track_buffer = options.track_buffer;
  tracks.options_.class_agnostic = options.agnostic_nms;
  for (const auto& model : models.models) tracks.options_.conf_by_model.push_back(model.conf);
  tracks.numbered_.resize(models.labels.names.size());
  OSPREY_TRY(tracking::Tracker::create(tracks.options_));
  return tracks;
}

Status StreamTracks::begin(const StreamInfo& stream) {
  auto options = options_;
  options.frame_rate = stream.frame_rate;
  auto tracker = OSPREY_TRY(tracking::Tracker::create(options));
  streams_[stream.index] = {std::move(tracker), 0};
  return {};
}

void StreamTracks::follow(const Frame& frame, std::vector<Detection>& detections) {
  auto& stream = streams_[frame.id.stream];
  if (!stream.tracker) stream.tracker = *tracking::Tracker::create(options_);
  stream.tracker->update(detections, frame.timestamp);
  std::int64_t last_id = stream.last_id;
  for (const auto& detection : detections) {
    if (detection.track_id <= stream.last_id) continue;
    ++numbered_[static_cast<std::size_t>(detection.label_id)];
    last_id = std::max(last_id, detection.track_id);
  }
  stream.last_id = last_id;
  keep_followed(detections);
}

}  // namespace osprey::engine
