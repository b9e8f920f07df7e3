// SPDX-License-Identifier: Apache-2.0
#include "sinks/json_lines.hpp"

#include <cmath>
#include <cstdint>
#include <map>
#include <utility>

#include "base/atomic_file.hpp"
#include "base/try.hpp"
#include "sinks/json_text.hpp"

namespace osprey::sinks {

namespace {

int whole(float pixels) {
  return static_cast<int>(std::lround(std::fmin(std::fmax(pixels, -1e9F), 1e9F)));
}

/// Makes lines. What repeats (names, sources) is turned into JSON once.
class LineWriter {
 public:
  LineWriter(const std::vector<std::string>& names, const std::vector<std::string>& models) {
    for (const std::string& name : names) append_json_string(labels_.emplace_back(), name);
    for (const std::string& name : models) append_json_string(models_.emplace_back(), name);
  }

  void begin(const StreamInfo& stream) {
    std::string source;
    append_json_string(source, stream.uri);
    sources_[stream.index] = std::move(source);
  }

  /// Valid until the next call.
  const std::string& line(const FrameResult& result) {
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

 private:
  void field(const char* key, auto value) {
    line_ += key;
    append_json_number(line_, value);
  }

  void objects(const std::vector<Detection>& detections, int width, int height) {
    line_ += ",\"objects\":[";
    for (std::size_t i = 0; i < detections.size(); ++i) {
      const Detection& d = detections[i];
      if (i > 0) line_ += ',';
      const int x = whole(d.box.x1), y = whole(d.box.y1);
      field("{\"x\":", x);
      field(",\"y\":", y);
      field(",\"w\":", whole(d.box.x2) - x);
      field(",\"h\":", whole(d.box.y2) - y);
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
      if (!models_.empty()) {
        (line_ += ",\"model\":{\"name\":") += models_[static_cast<std::size_t>(d.model)];
        line_ += '}';
      }
      line_ += "}}";
    }
    line_ += ']';
  }

  void bounding_box(const char* key, const Box& box, float width, float height) {
    line_ += key;
    field("{\"x_min\":", box.x1 / width);
    field(",\"y_min\":", box.y1 / height);
    field(",\"x_max\":", box.x2 / width);
    field(",\"y_max\":", box.y2 / height);
    line_ += '}';
  }

  void label(std::int32_t label_id) {
    if (label_id >= 0 && static_cast<std::size_t>(label_id) < labels_.size()) {
      line_ += labels_[static_cast<std::size_t>(label_id)];
    } else {
      line_ += '"';
      append_json_number(line_, label_id);
      line_ += '"';
    }
  }

  std::vector<std::string> labels_;               ///< as JSON
  std::vector<std::string> models_;               ///< as JSON
  std::map<std::uint32_t, std::string> sources_;  ///< as JSON
  std::string line_;
};

class JsonLines final : public Sink {
 public:
  JsonLines(std::vector<std::string> outputs, base::AtomicFile file,
            const std::vector<std::string>& names, const std::vector<std::string>& models)
      : outputs_(std::move(outputs)), file_(std::move(file)), lines_(names, models) {}

  bool wants_pixels() const override { return false; }
  Status begin(const StreamInfo& stream) override {
    lines_.begin(stream);
    return {};
  }
  Status write(const FrameResult& result) override { return file_.write(lines_.line(result)); }
  Status finish() override { return file_.commit(); }
  std::vector<std::string> outputs() const override { return outputs_; }

 private:
  std::vector<std::string> outputs_;
  base::AtomicFile file_;
  LineWriter lines_;
};

}  // namespace

Result<std::unique_ptr<Sink>> create_json_lines(const std::string& path,
                                                const std::vector<std::string>& names,
                                                const std::vector<std::string>& models) {
  base::AtomicFile file = OSPREY_TRY(base::AtomicFile::create(path));
  return std::unique_ptr<Sink>(new JsonLines({path}, std::move(file), names, models));
}

std::unique_ptr<Sink> create_json_lines(int descriptor, const std::vector<std::string>& names,
                                        const std::vector<std::string>& models) {
  base::AtomicFile file =
      base::AtomicFile::direct(base::FileWriter(descriptor, "JSON Lines stream"));
  return std::unique_ptr<Sink>(new JsonLines({}, std::move(file), names, models));
}

}  // namespace osprey::sinks
