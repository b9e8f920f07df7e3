// SPDX-License-Identifier: Apache-2.0
#include "sinks/frame_line.hpp"

#include <cmath>
#include <cstddef>
#include <utility>

#include "sinks/json_text.hpp"

namespace osprey::sinks {

namespace {

int whole(float pixels) {
  return static_cast<int>(std::lround(std::fmin(std::fmax(pixels, -1e9F), 1e9F)));
}

}  // namespace

FrameLine::FrameLine(const std::vector<std::string>& names,
                     const std::vector<std::string>& models) {
  for (const std::string& name : names) append_json_string(labels_.emplace_back(), name);
  for (const std::string& name : models) append_json_string(models_.emplace_back(), name);
}

void FrameLine::begin(const StreamInfo& stream) {
  std::string source;
  append_json_string(source, stream.uri);
  sources_[stream.index] = std::move(source);
}

void FrameLine::field(const char* key, auto value) {
  line_ += key;
  append_json_number(line_, value);
}

const std::string& FrameLine::line(const FrameResult& result) {
  const Frame& frame = *result.frame;
  line_.clear();
  field("{\"stream\":", frame.id.stream);
  (line_ += ",\"source\":") += sources_[frame.id.stream];
  field(",\"sequence\":", frame.id.sequence);
  field(",\"timestamp\":", frame.timestamp.since_origin.count());
  if (!frame.path.empty()) {
    line_ += ",\"path\":";
    append_json_string(line_, frame.path);
  }
  field(",\"resolution\":{\"width\":", frame.image.width);
  field(",\"height\":", frame.image.height);
  line_ += '}';
  if (result.error) {
    line_ += ",\"error\":";
    append_json_string(line_, result.error->message);
  } else {
    objects(result.detections, frame.image.width, frame.image.height);
  }
  line_ += "}\n";
  return line_;
}

void FrameLine::objects(const std::vector<Detection>& detections, int width, int height) {
  line_ += ",\"objects\":[";
  for (std::size_t i = 0; i < detections.size(); ++i) {
    const Detection& d = detections[i];
    if (i > 0) line_ += ',';
    const int x = whole(d.box.x1), y = whole(d.box.y1);
    field("{\"x\":", x);
    field(",\"y\":", y);
    field(",\"w\":", whole(d.box.x2) - x);
    field(",\"h\":", whole(d.box.y2) - y);
    if (d.track_id >= 0) field(",\"id\":", d.track_id);
    if (!models_.empty()) field(",\"region_id\":", i + 1);
    if (d.parent >= 0) field(",\"parent_id\":", d.parent + 1);
    line_ += ",\"roi_type\":";
    label(d.label_id);
    bounding_box(",\"bounding_box\":", d.box, 1, 1);
    bounding_box(",\"detection\":{\"bounding_box\":", d.box, static_cast<float>(width),
                 static_cast<float>(height));
    field(",\"confidence\":", d.confidence);
    line_ += ",\"label\":";
    label(d.label_id);
    field(",\"label_id\":", d.label_id);
    if (static_cast<std::size_t>(d.model) < models_.size()) {
      (line_ += ",\"model\":{\"name\":") += models_[static_cast<std::size_t>(d.model)];
      line_ += '}';
    }
    line_ += "}}";
  }
  line_ += ']';
}

void FrameLine::bounding_box(const char* key, const Box& box, float width, float height) {
  line_ += key;
  field("{\"x_min\":", box.x1 / width);
  field(",\"y_min\":", box.y1 / height);
  field(",\"x_max\":", box.x2 / width);
  field(",\"y_max\":", box.y2 / height);
  line_ += '}';
}

void FrameLine::label(std::int32_t label_id) {
  if (label_id >= 0 && static_cast<std::size_t>(label_id) < labels_.size()) {
    line_ += labels_[static_cast<std::size_t>(label_id)];
  } else {
    line_ += '"';
    append_json_number(line_, label_id);
    line_ += '"';
  }
}

}  // namespace osprey::sinks
