// SPDX-License-Identifier: Apache-2.0
#include "tracking/tracker.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>

#include "base/try.hpp"
#include "core/pairing.hpp"
#include "tracking/kalman_box.hpp"
#include "tracking/overlap.hpp"

namespace osprey::tracking {

namespace {

// ByteTrack's limits of what is no option there: costs of unsure sightings and of new tracks'
// second ones, and the overlap of two tracks that show one object.
constexpr double kUnsureCost = 0.5, kNewCost = 0.7, kSameOverlap = 0.85;
// Frames are counted by time, which is not exact.
constexpr double kNearly = 0.5;

enum class TrackState : std::uint8_t { kNew, kSeen, kLost, kGone };

struct Track {
  KalmanBox motion;
  Box expected;
  std::int32_t label;
  double begun, seen;  // frames
  double missed = 0;   // the first frame after `seen` that came and did not show it, once lost
  TrackState state = TrackState::kNew;
  std::int64_t id = -1;
};

class ByteTracker final : public Tracker {
 public:
  explicit ByteTracker(TrackerOptions options) : options_(std::move(options)) {
    const bool usable = options_.frame_rate >= 0.01 && options_.frame_rate <= 1000;
    if (!usable) options_.frame_rate = 30;
  }

  void update(std::vector<Detection>& detections, Timestamp now) override {
    advance(now);
    split(detections);
    associate({TrackState::kSeen, TrackState::kLost}, sure_, options_.match_thresh,
              options_.fuse_score, detections);
    associate({TrackState::kSeen, TrackState::kSeen}, unsure_, kUnsureCost, false, detections);
    for (auto& track : tracks_) {
      if (track.state != TrackState::kSeen || track.seen == frame_) continue;
      track.state = TrackState::kLost;
      track.missed = frame_;
    }
    associate({TrackState::kNew, TrackState::kNew}, sure_, kNewCost, options_.fuse_score,
              detections);
    forget([&](const Track& track) {
      return track.seen < frame_ && (track.state == TrackState::kNew || is_over(track, 0));
    });
    begin_tracks(detections);
    drop_doubles();
    first_ = false;
  }

 private:
  struct States {
    TrackState one, other;
  };

  void advance(Timestamp now) {
    double frames = 1;
    if (last_ && now - *last_ > Duration(0)) {
      frames = std::chrono::duration<double>(now - *last_).count() * options_.frame_rate;
    }
    last_ = now;
    frame_ += frames;
    // As if the frames between had come, without what these tracks show.
    forget([&](const Track& track) { return is_over(track, 1); });
    for (auto& track : tracks_) {
      if (track.state == TrackState::kLost) track.motion.stop_growing();
      track.motion.predict(frames);
      track.expected = track.motion.box();
    }
  }

  /// Time in which no frame came is nobody's fault, however long it was.
  bool is_over(const Track& track, double before) const {
    return track.state == TrackState::kLost &&
           frame_ - before - track.missed + 1 > options_.track_buffer + kNearly;
  }

  void split(std::vector<Detection>& detections) {
    sure_.clear();
    unsure_.clear();
    for (std::size_t i = 0; i < detections.size(); ++i) {
      auto& detection = detections[i];
      detection.track_id = -1;
      const auto& box = detection.box;
      const bool has_area = std::isfinite(box.area()) && box.width() > 0 && box.height() > 0;
      if (detection.parent >= 0 || !has_area) continue;
      if (detection.confidence >= least(detection, options_.track_high_thresh)) {
        sure_.push_back(i);
      } else if (detection.confidence > options_.track_low_thresh) {
        unsure_.push_back(i);
      }
    }
  }

  float least(const Detection& detection, float otherwise) const {
    const auto model = static_cast<std::size_t>(detection.model);
    return model < options_.conf_by_model.size() ? options_.conf_by_model[model] : otherwise;
  }

  /// Pairs tracks that are in `states`, and were not seen yet, with `places` in `detections`; those
  /// that found none stay there.
  void associate(States states, std::vector<std::size_t>& places, double most_cost, bool fuse,
                 std::vector<Detection>& detections) {
    std::vector<std::size_t> open;
    for (std::size_t i = 0; i < tracks_.size(); ++i) {
      const auto& track = tracks_[i];
      const bool is_meant = track.state == states.one || track.state == states.other;
      if (is_meant && track.seen < frame_) open.push_back(i);
    }
    std::vector<Pair> candidates;
    for (std::size_t t = 0; t < open.size(); ++t) {
      const auto& track = tracks_[open[t]];
      for (std::size_t d = 0; d < places.size(); ++d) {
        const auto& detection = detections[places[d]];
        if (!options_.class_agnostic && detection.label_id != track.label) continue;
        const double overlap = overlap_of(track.expected, detection.box);
        const double cost = 1 - (fuse ? overlap * detection.confidence : overlap);
        if (cost < most_cost) candidates.push_back({t, d, cost - most_cost});
      }
    }
    std::vector<bool> taken(places.size());
    for (const auto& pair : best_pairs(std::move(candidates))) {
      see(tracks_[open[pair.one]], detections[places[pair.other]]);
      taken[pair.other] = true;
    }
    std::size_t kept = 0;
    for (std::size_t d = 0; d < places.size(); ++d) {
      if (!taken[d]) places[kept++] = places[d];
    }
    places.resize(kept);
  }

  void see(Track& track, Detection& detection) {
    track.motion.correct(detection.box);
    track.expected = track.motion.box();
    track.label = detection.label_id;
    track.seen = frame_;
    track.state = TrackState::kSeen;
    if (track.id < 0) track.id = ++last_id_;
    detection.track_id = track.id;
  }

  void begin_tracks(std::vector<Detection>& detections) {
    for (const std::size_t place : sure_) {
      auto& detection = detections[place];
      if (detection.confidence < least(detection, options_.new_track_thresh)) continue;
      auto& track = tracks_.emplace_back(Track{.motion = KalmanBox(detection.box),
                                               .expected = detection.box,
                                               .label = detection.label_id,
                                               .begun = frame_,
                                               .seen = frame_});
      if (!first_) continue;
      track.state = TrackState::kSeen;
      track.id = detection.track_id = ++last_id_;
    }
  }

  /// Of a track that is seen and a lost one in the same place, the one that was followed longer.
  /// Unlike ByteTrack's, only if the one began after the other was lost: two that were seen
  /// together are two, and pass each other.
  void drop_doubles() {
    for (auto& seen : tracks_) {
      if (seen.state != TrackState::kSeen) continue;
      for (auto& lost : tracks_) {
        const bool same_kind = options_.class_agnostic || lost.label == seen.label;
        if (lost.state != TrackState::kLost || !same_kind || seen.begun <= lost.seen) continue;
        if (overlap_of(seen.expected, lost.expected) <= kSameOverlap) continue;
        const bool keep_seen = seen.seen - seen.begun > lost.seen - lost.begun;
        (keep_seen ? lost : seen).state = TrackState::kGone;
        if (!keep_seen) break;
      }
    }
    forget([](const Track& track) { return track.state == TrackState::kGone; });
  }

  template <typename Condition>
  void forget(Condition condition) {
    tracks_.erase(std::remove_if(tracks_.begin(), tracks_.end(), condition), tracks_.end());
  }

  TrackerOptions options_;
  std::vector<Track> tracks_;
  std::vector<std::size_t> sure_, unsure_;  // places of a frame's detections without a track so far
  std::optional<Timestamp> last_;
  double frame_ = 0;
  std::int64_t last_id_ = 0;
  bool first_ = true;
};

Status check_share(const char* name, float value) {
  if (value >= 0 && value <= 1) return {};
  return Error{ErrorCode::kInvalidArgument,
               std::string(name) + ": " + std::to_string(value) + "; expected 0 to 1"};
}

}  // namespace

Result<std::unique_ptr<Tracker>> Tracker::create(const TrackerOptions& options) {
  OSPREY_TRY(check_share("track_high_thresh", options.track_high_thresh));
  OSPREY_TRY(check_share("track_low_thresh", options.track_low_thresh));
  OSPREY_TRY(check_share("new_track_thresh", options.new_track_thresh));
  OSPREY_TRY(check_share("match_thresh", options.match_thresh));
  for (const float conf : options.conf_by_model) OSPREY_TRY(check_share("conf_by_model", conf));
  if (options.track_buffer < 0 || options.track_buffer > 100000) {
    return Error{
        ErrorCode::kInvalidArgument,
        "track_buffer: " + std::to_string(options.track_buffer) + "; expected 0 to 100000 frames"};
  }
  return std::unique_ptr<Tracker>(new ByteTracker(options));
}

}  // namespace osprey::tracking
