// SPDX-License-Identifier: Apache-2.0
// A Service that knows what tests tell it.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "serve/service.hpp"

namespace osprey::serve {

class FakeService : public Service {
 public:
  ServiceStatus status() const override {
    const std::lock_guard lock(mutex);
    return now;
  }

  Result<std::optional<Picture>> picture(const std::string& stream, std::uint64_t after,
                                         bool annotated, int width,
                                         std::chrono::milliseconds patience) override {
    std::unique_lock lock(mutex);
    if (!has(stream)) return Error{ErrorCode::kNotFound, "no such stream"};
    const auto fresh = [&] { return pictures[stream].sequence > after; };
    const auto known = [&] { return fresh() || ended.contains(stream); };
    if (!changed.wait_for(lock, patience, known)) return std::optional<Picture>();
    if (!fresh()) return Error{ErrorCode::kUnavailable, "the stream has ended"};
    ++pictures_asked;
    last_annotated = annotated;
    last_width = width;
    return std::optional<Picture>(pictures[stream]);
  }

  Result<std::string> objects(const std::string& stream) const override {
    const std::lock_guard lock(mutex);
    if (!has(stream)) return Error{ErrorCode::kNotFound, "no such stream"};
    return std::string(R"({"stream":"door","frame":7,"objects":[]})");
  }

  Result<std::vector<StoredEvent>> events(const EventQuery& query) const override {
    const std::lock_guard lock(mutex);
    std::vector<StoredEvent> found;
    for (auto event = stored.rbegin(); event != stored.rend() && found.size() < query.limit;
         ++event) {
      if (!query.before || event->number < *query.before) found.push_back(*event);
    }
    return found;
  }

  Result<std::vector<Shape>> shapes(const std::string& stream) const override {
    const std::lock_guard lock(mutex);
    if (!has(stream)) return Error{ErrorCode::kNotFound, "no such stream"};
    const auto found = kept.find(stream);
    return found == kept.end() ? std::vector<Shape>() : found->second;
  }

  Status set_shapes(const std::string& stream, std::vector<Shape> shapes) override {
    const std::lock_guard lock(mutex);
    if (!has(stream)) return Error{ErrorCode::kNotFound, "no such stream"};
    kept[stream] = std::move(shapes);
    return {};
  }

  std::string config() const override { return "streams:\n  door:\n    source: rtsp://cam/1\n"; }
  std::vector<Recording> recordings() const override { return recorded; }

  Result<std::string> recording_path(const std::string& name) const override {
    asked_path = name;
    const bool known = std::any_of(recorded.begin(), recorded.end(),
                                   [&](const Recording& r) { return r.name == name; });
    if (!known) return Error{ErrorCode::kNotFound, "no such recording"};
    return folder + "/" + name;
  }

  Result<std::string> hls_path(const std::string& stream, const std::string& file) const override {
    asked_path = stream + "/" + file;
    return Error{ErrorCode::kNotFound, "no such file"};
  }

  void show(const std::string& stream, std::string jpeg) {
    {
      const std::lock_guard lock(mutex);
      pictures[stream].jpeg = std::move(jpeg);
      ++pictures[stream].sequence;
    }
    changed.notify_all();
  }

  void end(const std::string& stream) {
    {
      const std::lock_guard lock(mutex);
      ended.insert(stream);
    }
    changed.notify_all();
  }

  void happen(std::int64_t number, std::string json) {
    const std::lock_guard lock(mutex);
    stored.push_back({number, std::move(json)});
  }

  ServiceStatus now;
  std::map<std::string, Picture> pictures;
  std::set<std::string> ended;
  std::vector<StoredEvent> stored;  ///< oldest first
  std::map<std::string, std::vector<Shape>> kept;
  std::vector<Recording> recorded;
  std::string folder;  ///< where they are
  mutable std::string asked_path;
  int pictures_asked = 0, last_width = 0;
  bool last_annotated = false;
  mutable std::mutex mutex;
  std::condition_variable changed;

 private:
  bool has(const std::string& name) const {
    return std::any_of(now.streams.begin(), now.streams.end(),
                       [&](const StreamStatus& s) { return s.name == name; });
  }
};

/// A service with something in every field: two streams, three lanes, two sinks.
inline ServiceStatus sample_status() {
  ServiceStatus status;
  status.version = "1.2.3";
  status.uptime = 3725;
  status.ready = true;
  status.device = "Rockchip RK3588, 3 NPU cores";
  status.models = {"yolov8n.rknn"};
  const Distribution age{{0.02, 0.05, 0.1, 0.2, 0.5}, {40, 900, 300, 20, 3, 1}, 80.5};
  StreamStatus door;
  door.name = "door";
  door.source = "rtsp://10.0.0.7/stream1";
  door.state = "running";
  door.decoder = "h264 (software)";
  door.width = 1920;
  door.height = 1080;
  door.declared_fps = 25;
  door.delivered_fps = 15.02;
  door.decoded_fps = 15.01;
  door.results_fps = 15;
  door.captured = 1270;
  door.delivered = 1255;
  door.failed = 1;
  door.in_flight = 2;
  door.dropped = {{"newer_frame", 10}, {"too_old", 2}};
  door.reconnects = 3;
  door.damaged = 4;
  door.age_p50 = 0.043;
  door.age_p99 = 0.112;
  door.age = age;
  door.diagnosis =
      "The camera delivers 15.0 fps; three lanes are 31 % busy: ask the camera for 25.";
  door.zones = {{"steps", {{"person", 1}}, {{"person", 42}, {"dog", 3}}, 12.5}};
  door.lines = {{"gate", {{"person", 20}}, {{"person", 18}}}};
  StreamStatus yard = door;
  yard.name = "yard \"north\"";
  yard.source = "rtsp://10.0.0.8/stream1";
  yard.state = "waiting";
  yard.problem = "10.0.0.8: connection refused; again in 4 s";
  yard.diagnosis = "The camera cannot be reached.";
  yard.results_fps = yard.decoded_fps = yard.delivered_fps = 0;
  yard.zones.clear();
  yard.lines.clear();
  status.streams = {door, yard};
  status.lanes = {{"npu 0", 400.5, 0, 0.33, 430, 0, 0, ""},
                  {"npu 1", 390, 0, 0.31, 420, 0, 0, ""},
                  {"npu 2", 380, 12, 0.29, 405, 1, 1, "a run took longer than 2 s"}};
  status.sinks = {{"mqtt", true, "", 120, 0, 0},
                  {"http", false, "example.net: connection refused", 100, 20, 5}};
  status.inference = {{0.01, 0.02, 0.05}, {0, 1000, 250, 5}, 30.25};
  return status;
}

}  // namespace osprey::serve
