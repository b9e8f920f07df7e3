// SPDX-License-Identifier: Apache-2.0
#include "tracking/object_events.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <optional>

#include "base/try.hpp"
#include "tracking/object_id.hpp"
#include "tracking/shape_watch.hpp"
#include "tracking/stillness.hpp"

namespace osprey::tracking {

namespace {

using Labels = std::vector<std::string>;
using Counter = std::map<std::string, std::uint64_t>;

bool counts_for(const Labels& wanted, const std::string& label) {
  return wanted.empty() || std::find(wanted.begin(), wanted.end(), label) != wanted.end();
}

LabelCounts listed(const Counter& counter) {
  return {counter.begin(), counter.end()};
}

struct ZoneTally {
  Counter entered;
  std::uint64_t left = 0;
  Duration left_dwell{0};
};

struct LineTally {
  Counter in, out;
};

/// An object's visits to a zone.
struct Visits {
  ZoneWatch watch;
  bool inside = false, entered = false;
  Duration since{0};
};

struct Object {
  ObjectState state, told;              // now, and at the last event
  std::vector<LineCrossing> crossings;  // since then
  bool confirmed = false;
  int sightings = 0;
  Duration seen{0}, told_at{0};
  WallTime seen_time;
  tiling::Point anchor;
  Stillness stillness;
  std::vector<Visits> zones;     // as the options' zones
  std::vector<LineWatch> lines;  // as the options' lines
};

double seconds_of(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

class Events final : public ObjectEvents {
 public:
  explicit Events(const ObjectEventsOptions& options)
      : options_(options), zones_(options.zones.size()), lines_(options.lines.size()) {
    publish();
  }

  std::vector<Event> update(const std::vector<Detection>& detections, int width, int height,
                            Timestamp media, WallTime captured) override {
    if (last_) now_ += std::max(Duration(0), media - *last_);
    last_ = media;
    for (const auto& detection : detections) {
      if (detection.track_id < 0 || detection.parent >= 0) continue;
      const auto label = label_of(detection);
      if (!counts_for(options_.labels, label)) continue;
      auto& object = objects_[detection.track_id];
      if (object.sightings++ == 0) begin(object, detection, captured);
      see(object, detection, label, {double(width), double(height)}, captured);
    }
    std::vector<Event> events;
    for (auto& [id, object] : objects_) {
      if (object.seen == now_ && object.seen_time == captured) tell(object, events);
    }
    end_if([&](const Object& o) { return now_ - o.seen > options_.end_after; }, events);
    publish();
    return events;
  }

  std::vector<Event> end_all() override {
    std::vector<Event> events;
    end_if([](const Object&) { return true; }, events);
    publish();
    return events;
  }

  Status set_shapes(std::vector<Zone> zones, std::vector<Line> lines) override {
    OSPREY_TRY(check_shapes(zones, lines, options_.names));
    const auto old_zones = places_of(options_.zones, zones);
    const auto old_lines = places_of(options_.lines, lines);
    zones_ = carried(zones_, old_zones);
    lines_ = carried(lines_, old_lines);
    options_.zones = std::move(zones);
    options_.lines = std::move(lines);
    for (auto& [id, object] : objects_) {
      object.zones = carried(object.zones, old_zones);
      object.lines = carried(object.lines, old_lines);
      note_zones(object);
      auto& entered = object.state.entered_zones;
      entered.erase(std::remove_if(entered.begin(), entered.end(),
                                   [&](const std::string& name) { return !has_zone(name); }),
                    entered.end());
    }
    publish();
    return {};
  }

  ShapeCounts counts() const override {
    const std::lock_guard lock(mutex_);
    return counts_;
  }

 private:
  std::string label_of(const Detection& detection) const {
    const auto id = static_cast<std::size_t>(detection.label_id);
    return detection.label_id >= 0 && id < options_.names.size()
               ? options_.names[id]
               : std::to_string(detection.label_id);
  }

  bool has_zone(const std::string& name) const {
    return std::any_of(options_.zones.begin(), options_.zones.end(),
                       [&](const Zone& zone) { return zone.name == name; });
  }

  void begin(Object& object, const Detection& detection, WallTime captured) {
    object.state.id = make_object_id(captured);
    object.state.camera = options_.camera;
    object.state.track_id = detection.track_id;
    object.state.start_time = captured;
    object.zones.resize(options_.zones.size());
    object.lines.resize(options_.lines.size());
  }

  void see(Object& object, const Detection& detection, const std::string& label,
           const FrameSize& frame, WallTime captured) {
    auto& state = object.state;
    // A track may change its class: the surest sighting knows best.
    if (object.sightings == 1 || detection.confidence > state.top_score) {
      state.label_id = detection.label_id;
      state.label = label;
      state.top_score = detection.confidence;
    }
    state.score = detection.confidence;
    state.box = detection.box;
    state.frame_width = static_cast<int>(frame.width);
    state.frame_height = static_cast<int>(frame.height);
    state.frame_time = object.seen_time = captured;
    object.seen = now_;
    state.stationary = object.stillness.update(detection.box, now_) >= options_.stationary_after;

    const auto anchor = anchor_of(detection.box, frame);
    const Place place{object.sightings == 1 ? anchor : object.anchor, anchor,
                      double{detection.box.y2} - detection.box.y1, frame};
    object.anchor = anchor;
    for (std::size_t i = 0; i < object.zones.size(); ++i) visit(object, i, place);
    note_zones(object);
    for (std::size_t i = 0; i < object.lines.size(); ++i) {
      const auto& line = options_.lines[i];
      const int crossed = object.lines[i].update(line, place);
      if (crossed == 0 || !counts_for(line.labels, state.label)) continue;
      object.crossings.push_back({line.name, crossed > 0});
      if (object.confirmed) count_crossing(object.crossings.back(), state.label);
    }
    if (!object.confirmed && object.sightings >= options_.confirm_frames) confirm(object);
  }

  void visit(Object& object, std::size_t i, const Place& place) {
    const auto& zone = options_.zones[i];
    auto& visits = object.zones[i];
    const bool inside =
        visits.watch.update(zone, place) && counts_for(zone.labels, object.state.label);
    if (inside && !visits.inside) {
      visits.since = now_;
      if (!visits.entered) {
        visits.entered = true;
        object.state.entered_zones.push_back(zone.name);
        if (object.confirmed) ++zones_[i].entered[object.state.label];
      }
    } else if (!inside && visits.inside && object.confirmed) {
      leave(i, now_ - visits.since);
    }
    visits.inside = inside;
  }

  void leave(std::size_t zone, Duration dwell) {
    ++zones_[zone].left;
    zones_[zone].left_dwell += dwell;
  }

  void note_zones(Object& object) const {
    object.state.current_zones.clear();
    for (std::size_t i = 0; i < object.zones.size(); ++i) {
      if (object.zones[i].inside) object.state.current_zones.push_back(options_.zones[i].name);
    }
  }

  /// What it did so far counts from now on.
  void confirm(Object& object) {
    object.confirmed = true;
    for (std::size_t i = 0; i < object.zones.size(); ++i) {
      if (object.zones[i].entered) ++zones_[i].entered[object.state.label];
    }
    for (const auto& crossing : object.crossings) count_crossing(crossing, object.state.label);
  }

  void count_crossing(const LineCrossing& crossing, const std::string& label) {
    for (std::size_t i = 0; i < lines_.size(); ++i) {
      if (options_.lines[i].name != crossing.line) continue;
      ++(crossing.in ? lines_[i].in : lines_[i].out)[label];
    }
  }

  void tell(Object& object, std::vector<Event>& events) const {
    if (!object.confirmed) return;
    const bool is_new = object.told.id.empty();
    if (!is_new && (now_ - object.told_at < options_.update_interval || !has_changed(object))) {
      return;
    }
    events.push_back(event_of(object, is_new ? Event::Type::kNew : Event::Type::kUpdate));
  }

  bool has_changed(const Object& object) const {
    const auto& is = object.state;
    const auto& was = object.told;
    return !object.crossings.empty() || is.current_zones != was.current_zones ||
           is.entered_zones != was.entered_zones || is.stationary != was.stationary ||
           is.label_id != was.label_id || is.top_score >= was.top_score + options_.score_step;
  }

  Event event_of(Object& object, Event::Type type) const {
    Event event{type, object.told.id.empty() ? object.state : object.told, object.state,
                std::move(object.crossings)};
    object.crossings.clear();
    object.told = object.state;
    object.told_at = now_;
    return event;
  }

  template <typename Condition>
  void end_if(Condition condition, std::vector<Event>& events) {
    for (auto at = objects_.begin(); at != objects_.end();) {
      auto& object = at->second;
      if (!condition(object)) {
        ++at;
        continue;
      }
      if (object.confirmed) {
        for (std::size_t i = 0; i < object.zones.size(); ++i) {
          if (object.zones[i].inside) leave(i, object.seen - object.zones[i].since);
        }
        object.state.end_time = object.seen_time;
        events.push_back(event_of(object, Event::Type::kEnd));
      }
      at = objects_.erase(at);
    }
  }

  /// For each of `wanted`, where the same one is in `known`.
  template <typename Shape>
  static std::vector<std::optional<std::size_t>> places_of(const std::vector<Shape>& known,
                                                           const std::vector<Shape>& wanted) {
    std::vector<std::optional<std::size_t>> places;
    for (const auto& shape : wanted) {
      const auto at = std::find_if(known.begin(), known.end(),
                                   [&](const Shape& each) { return same(each, shape); });
      places.push_back(at == known.end()
                           ? std::nullopt
                           : std::optional(static_cast<std::size_t>(at - known.begin())));
    }
    return places;
  }

  template <typename Kept>
  static std::vector<Kept> carried(const std::vector<Kept>& from,
                                   const std::vector<std::optional<std::size_t>>& places) {
    std::vector<Kept> to;
    to.reserve(places.size());
    for (const auto& place : places) to.push_back(place ? from[*place] : Kept());
    return to;
  }

  void publish() {
    ShapeCounts counts;
    for (std::size_t i = 0; i < zones_.size(); ++i) {
      auto& zone = counts.zones.emplace_back();
      zone.name = options_.zones[i].name;
      zone.entered = listed(zones_[i].entered);
      zone.left = zones_[i].left;
      zone.left_dwell = seconds_of(zones_[i].left_dwell);
      Counter inside;
      for (const auto& [id, object] : objects_) {
        const auto& visits = object.zones[i];
        if (!object.confirmed || !visits.inside) continue;
        ++inside[object.state.label];
        zone.longest_dwell = std::max(zone.longest_dwell, seconds_of(now_ - visits.since));
      }
      zone.inside = listed(inside);
    }
    for (std::size_t i = 0; i < lines_.size(); ++i) {
      counts.lines.push_back({options_.lines[i].name, listed(lines_[i].in), listed(lines_[i].out)});
    }
    const std::lock_guard lock(mutex_);
    counts_ = std::move(counts);
  }

  ObjectEventsOptions options_;
  std::vector<ZoneTally> zones_;
  std::vector<LineTally> lines_;
  std::map<std::int64_t, Object> objects_;  // by track
  std::optional<Timestamp> last_;
  Duration now_{0};  // of the stream; never goes back
  mutable std::mutex mutex_;
  ShapeCounts counts_;
};

}  // namespace

Result<std::unique_ptr<ObjectEvents>> ObjectEvents::create(const ObjectEventsOptions& options) {
  const auto wrong = [](const std::string& what) {
    return Error{ErrorCode::kInvalidArgument, what};
  };
  OSPREY_TRY(check_shapes(options.zones, options.lines, options.names));
  if (options.confirm_frames < 1 || options.confirm_frames > 1000) {
    return wrong("confirm_frames: " + std::to_string(options.confirm_frames) +
                 "; expected 1 to 1000");
  }
  if (options.end_after < Duration(0) || options.update_interval < Duration(0) ||
      options.stationary_after < Duration(0)) {
    return wrong("end_after, update_interval, stationary_after: expected no time below 0");
  }
  if (!(options.score_step >= 0 && options.score_step <= 1)) {
    return wrong("score_step: expected 0 to 1");
  }
  return std::unique_ptr<ObjectEvents>(new Events(options));
}

}  // namespace osprey::tracking
