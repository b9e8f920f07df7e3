// SPDX-License-Identifier: Apache-2.0
#include "serve/json_answers.hpp"

#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/try.hpp"
#include "serve/target.hpp"

namespace osprey::serve {
namespace {

using Json = nlohmann::ordered_json;

std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

double finite(double value) {
  return std::isfinite(value) ? value : 0;
}

Json counts_of(const std::vector<std::pair<std::string, std::uint64_t>>& counts) {
  Json json = Json::object();
  for (const auto& [label, count] : counts) json[label] = count;
  return json;
}

Json distribution_of(const Distribution& distribution) {
  return {{"bounds", distribution.bounds},
          {"counts", distribution.counts},
          {"sum", finite(distribution.sum)}};
}

Json stream_of(const StreamStatus& stream) {
  Json zones = Json::array(), lines = Json::array();
  for (const ZoneCount& zone : stream.zones) {
    zones.push_back({{"name", zone.name},
                     {"inside", counts_of(zone.inside)},
                     {"entered", counts_of(zone.entered)},
                     {"longest_dwell", finite(zone.longest_dwell)}});
  }
  for (const LineCount& line : stream.lines) {
    lines.push_back(
        {{"name", line.name}, {"in", counts_of(line.in)}, {"out", counts_of(line.out)}});
  }
  return {{"name", stream.name},
          {"source", stream.source},
          {"state", stream.state},
          {"problem", stream.problem},
          {"limit", stream.limit},
          {"diagnosis", stream.diagnosis},
          {"decoder", stream.decoder},
          {"width", stream.width},
          {"height", stream.height},
          {"declared_fps", finite(stream.declared_fps)},
          {"delivered_fps", finite(stream.delivered_fps)},
          {"decoded_fps", finite(stream.decoded_fps)},
          {"results_fps", finite(stream.results_fps)},
          {"captured", stream.captured},
          {"delivered", stream.delivered},
          {"failed", stream.failed},
          {"in_flight", stream.in_flight},
          {"dropped", counts_of(stream.dropped)},
          {"reconnects", stream.reconnects},
          {"damaged", stream.damaged},
          {"age_p50", finite(stream.age_p50)},
          {"age_p99", finite(stream.age_p99)},
          {"age", distribution_of(stream.age)},
          {"hls", stream.hls ? "/hls/" + stream.name + "/live.m3u8" : ""},
          {"zones", std::move(zones)},
          {"lines", std::move(lines)}};
}

Json streams_of(const ServiceStatus& status) {
  Json streams = Json::array();
  for (const StreamStatus& stream : status.streams) streams.push_back(stream_of(stream));
  return streams;
}

// "2026-01-31T12:00:00.250Z"
std::string utc(WallTime time) {
  const auto milliseconds =
      std::chrono::floor<std::chrono::milliseconds>(time).time_since_epoch().count();
  const std::time_t seconds = static_cast<std::time_t>(
      std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count());
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[64];
  const std::size_t size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  const std::string rest = std::to_string(milliseconds - seconds * 1000);
  return std::string(text, size) + "." + std::string(3 - rest.size(), '0') + rest + "Z";
}

Error expected_at(const std::string& place, const std::string& what) {
  return Error{ErrorCode::kInvalidArgument, place + ": expected " + what};
}

Result<Json> parse_object(std::string_view text) {
  Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) {
    return Error{ErrorCode::kInvalidArgument, "body: expected a JSON object"};
  }
  return json;
}

Result<std::vector<ShapePoint>> points_of(const Json& json, const std::string& place, bool line) {
  const std::size_t least = line ? 2 : 3, most = line ? 2 : 128;
  if (!json.is_array() || json.size() < least || json.size() > most) {
    return expected_at(place, line ? "two points" : "3 to 128 points");
  }
  std::vector<ShapePoint> points;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const Json& pair = json[i];
    bool good = pair.is_array() && pair.size() == 2;
    for (std::size_t axis = 0; good && axis < 2; ++axis) {
      good =
          pair[axis].is_number() && pair[axis].get<double>() >= 0 && pair[axis].get<double>() <= 1;
    }
    if (!good) return expected_at(place + "[" + std::to_string(i) + "]", "[x, y] within 0..1");
    points.push_back({pair[0].get<double>(), pair[1].get<double>()});
  }
  return points;
}

Result<std::vector<std::string>> classes_of(const Json& json, const std::string& place) {
  bool good = json.is_array() && json.size() <= 256;
  std::vector<std::string> classes;
  for (std::size_t i = 0; good && i < json.size(); ++i) {
    good = json[i].is_string() && is_text(json[i].get_ref<const std::string&>(), 128);
    if (good) classes.push_back(json[i].get<std::string>());
  }
  if (!good) return expected_at(place, "up to 256 labels of 1 to 128 characters");
  return classes;
}

Result<Shape> shape_of(const Json& json, const std::string& place) {
  if (!json.is_object()) return expected_at(place, "an object");
  for (const auto& item : json.items()) {
    if (item.key() != "name" && item.key() != "kind" && item.key() != "points" &&
        item.key() != "classes") {
      return expected_at(place, "name, kind, points and classes only");
    }
  }
  Shape shape;
  const auto name = json.find("name");
  if (name == json.end() || !name->is_string() || !is_name(name->get_ref<const std::string&>())) {
    return expected_at(place + ".name", "1 to 128 characters without / and \\, and no dot first");
  }
  shape.name = name->get<std::string>();
  const auto kind = json.find("kind");
  if (kind == json.end() || (*kind != "zone" && *kind != "line")) {
    return expected_at(place + ".kind", "zone or line");
  }
  shape.line = *kind == "line";
  const auto points = json.find("points");
  shape.points =
      OSPREY_TRY(points_of(points == json.end() ? Json() : *points, place + ".points", shape.line));
  if (const auto classes = json.find("classes"); classes != json.end()) {
    shape.classes = OSPREY_TRY(classes_of(*classes, place + ".classes"));
  }
  return shape;
}

}  // namespace

std::string to_json(const ServiceStatus& status) {
  Json lanes = Json::array(), sinks = Json::array();
  for (const LaneStatus& lane : status.lanes) {
    lanes.push_back({{"name", lane.name},
                     {"busy_seconds", finite(lane.busy_seconds)},
                     {"resting_seconds", finite(lane.resting_seconds)},
                     {"load", finite(lane.load)},
                     {"jobs", lane.jobs},
                     {"failures", lane.failures},
                     {"faults", lane.faults},
                     {"last_fault", lane.last_fault}});
  }
  for (const SinkStatus& sink : status.sinks) {
    sinks.push_back({{"name", sink.name},
                     {"connected", sink.connected},
                     {"problem", sink.problem},
                     {"delivered", sink.delivered},
                     {"waiting", sink.waiting},
                     {"discarded", sink.discarded}});
  }
  return text_of({{"version", status.version},
                  {"uptime", finite(status.uptime)},
                  {"ready", status.ready},
                  {"not_ready", status.not_ready},
                  {"device", status.device},
                  {"models", status.models},
                  {"streams", streams_of(status)},
                  {"lanes", std::move(lanes)},
                  {"sinks", std::move(sinks)},
                  {"inference", distribution_of(status.inference)}});
}

std::string streams_json(const ServiceStatus& status) {
  return text_of({{"streams", streams_of(status)}});
}

std::string to_json(const StreamStatus& stream) {
  return text_of(stream_of(stream));
}

std::string to_json(const std::vector<StoredEvent>& events) {
  Json list = Json::array();
  for (const StoredEvent& event : events) {
    Json parsed = Json::parse(event.json, nullptr, false);
    if (!parsed.is_object()) parsed = Json::object();
    list.push_back({{"number", event.number}, {"event", std::move(parsed)}});
  }
  return text_of({{"events", std::move(list)}});
}

std::string to_json(const std::vector<Recording>& recordings) {
  Json list = Json::array();
  for (const Recording& recording : recordings) {
    list.push_back({{"name", recording.name},
                    {"camera", recording.camera},
                    {"bytes", recording.bytes},
                    {"begin", utc(recording.begin)}});
  }
  return text_of({{"recordings", std::move(list)}});
}

std::string to_json(const std::vector<Shape>& shapes) {
  Json list = Json::array();
  for (const Shape& shape : shapes) {
    list.push_back({{"name", shape.name},
                    {"kind", shape.line ? "line" : "zone"},
                    {"points", shape.points},
                    {"classes", shape.classes}});
  }
  return text_of({{"shapes", std::move(list)}});
}

Result<std::vector<Shape>> parse_shapes(std::string_view json) {
  const Json body = OSPREY_TRY(parse_object(json));
  const auto list = body.find("shapes");
  if (list == body.end() || !list->is_array() || list->size() > 64 || body.size() != 1) {
    return expected_at("body", "{\"shapes\": [...]} with at most 64 of them");
  }
  std::vector<Shape> shapes;
  for (std::size_t i = 0; i < list->size(); ++i) {
    const std::string place = "shapes[" + std::to_string(i) + "]";
    shapes.push_back(OSPREY_TRY(shape_of((*list)[i], place)));
  }
  return shapes;
}

Result<std::string> parse_login(std::string_view json) {
  const Json body = OSPREY_TRY(parse_object(json));
  const auto token = body.find("token");
  if (token == body.end() || !token->is_string() || body.size() != 1) {
    return expected_at("body", "{\"token\": \"...\"}");
  }
  return token->get<std::string>();
}

}  // namespace osprey::serve
