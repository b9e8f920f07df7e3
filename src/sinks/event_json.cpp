// SPDX-License-Identifier: Apache-2.0
#include "sinks/event_json.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <utility>

#include "sinks/json_text.hpp"

namespace osprey::sinks {

namespace {

const char* type_of(const Event& event) {
  switch (event.type) {
    case Event::Type::kNew:
      return "new";
    case Event::Type::kUpdate:
      return "update";
    case Event::Type::kEnd:
      break;
  }
  return "end";
}

/// As digits: a double's shortest form has more of them than a clock knows.
void append_seconds(std::string& out, WallTime time) {
  const std::int64_t us =
      std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
  const std::uint64_t size =
      us < 0 ? 0 - static_cast<std::uint64_t>(us) : static_cast<std::uint64_t>(us);
  if (us < 0) out += '-';
  append_json_number(out, size / 1'000'000);
  const std::string digits = std::to_string(size % 1'000'000);
  ((out += '.').append(6 - digits.size(), '0')) += digits;
}

int rounded(float pixels) {
  return static_cast<int>(std::lround(std::fmin(std::fmax(pixels, -1e6F), 1e6F)));
}

template <typename Value>
void append_field(std::string& out, const char* key, Value value) {
  out += key;
  append_json_number(out, value);
}

void append_text(std::string& out, const char* key, const std::string& text) {
  out += key;
  append_json_string(out, text);
}

void append_names(std::string& out, const char* key, const std::vector<std::string>& names) {
  out += key;
  const char* between = "[";
  for (const auto& name : names) {
    append_text(out, between, name);
    between = ",";
  }
  out += names.empty() ? "[]" : "]";
}

void append_state(std::string& out, const ObjectState& state) {
  const int x1 = rounded(state.box.x1), y1 = rounded(state.box.y1);
  const int x2 = rounded(state.box.x2), y2 = rounded(state.box.y2);
  const std::int64_t width = std::max(x2 - x1, 0), height = std::max(y2 - y1, 0);
  append_text(out, R"({"id":)", state.id);
  append_text(out, R"(,"camera":)", state.camera);
  append_seconds(out += R"(,"frame_time":)", state.frame_time);
  append_text(out, R"(,"label":)", state.label);
  append_field(out, R"(,"score":)", state.score);
  append_field(out, R"(,"top_score":)", state.top_score);
  append_field(out, R"(,"box":[)", x1);
  append_field(out, ",", y1);
  append_field(out, ",", x2);
  append_field(out, ",", y2);
  append_field(out, R"(],"area":)", width * height);
  const float ratio =
      height > 0 ? std::round(100 * static_cast<float>(width) / static_cast<float>(height)) / 100
                 : 0;
  append_field(out, R"(,"ratio":)", ratio);
  append_names(out, R"(,"current_zones":)", state.current_zones);
  append_names(out, R"(,"entered_zones":)", state.entered_zones);
  append_seconds(out += R"(,"start_time":)", state.start_time);
  out += R"(,"end_time":)";
  if (state.end_time) append_seconds(out, *state.end_time);
  if (!state.end_time) out += "null";
  out += R"(,"stationary":)";
  out += state.stationary ? "true" : "false";
  append_field(out, R"(,"false_positive":false,"label_id":)", state.label_id);
  append_field(out, R"(,"track_id":)", state.track_id);
  append_field(out, R"(,"frame":[)", state.frame_width);
  append_field(out, ",", state.frame_height);
  out += "]}";
}

}  // namespace

std::string event_json(const Event& event) {
  std::string json = std::string(R"({"type":")") + type_of(event) + R"(","before":)";
  append_state(json, event.before);
  append_state(json += R"(,"after":)", event.after);
  const char* between = R"(,"crossings":[)";
  if (event.crossings.empty()) json += between;
  for (const auto& crossing : event.crossings) {
    append_text(json += between, R"({"line":)", crossing.line);
    json += crossing.in ? R"(,"direction":"in"})" : R"(,"direction":"out"})";
    between = ",";
  }
  return json += "]}";
}

outbox::NewEvent to_new_event(const Event& event, std::string picture) {
  return {.json = event_json(event),
          .type = type_of(event),
          .camera = event.after.camera,
          .label = event.after.label,
          .zones = event.after.entered_zones,
          .picture = std::move(picture)};
}

}  // namespace osprey::sinks
