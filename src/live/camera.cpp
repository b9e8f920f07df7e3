// SPDX-License-Identifier: Apache-2.0
#include "live/camera.hpp"

#include <algorithm>
#include <filesystem>

#include "base/try.hpp"
#include "media/live_source.hpp"
#include "vision/draw.hpp"

namespace osprey::live {

namespace {

/// A camera that is away for longer shows nothing any more.
constexpr auto kPatience = std::chrono::seconds(5);

Duration duration_of(double seconds) {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

std::chrono::milliseconds milliseconds_of(double seconds) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(duration_of(seconds));
}

tracking::Zone zone_of(const ShapeConfig& shape) {
  tracking::Zone zone{shape.name, {}, shape.classes};
  for (const auto& [x, y] : shape.points) zone.polygon.push_back({x, y});
  return zone;
}

tracking::Line line_of(const ShapeConfig& shape) {
  const auto& from = shape.points[0];
  const auto& to = shape.points[1];
  return {shape.name, {from[0], from[1]}, {to[0], to[1]}, shape.classes};
}

std::vector<tracking::Zone> zones_of(const StreamConfig& config) {
  std::vector<tracking::Zone> zones;
  for (const auto& shape : config.zones) zones.push_back(zone_of(shape));
  return zones;
}

std::vector<tracking::Line> lines_of(const StreamConfig& config) {
  std::vector<tracking::Line> lines;
  for (const auto& shape : config.lines) lines.push_back(line_of(shape));
  return lines;
}

bool plays_file(const std::string& source) {
  return source.starts_with("file:") ||
         (source.find("://") == std::string::npos && !source.starts_with("/dev/"));
}

bool has_any(const std::vector<std::string>& wanted, const std::vector<std::string>& there) {
  return wanted.empty() || std::any_of(there.begin(), there.end(), [&](const auto& name) {
           return std::find(wanted.begin(), wanted.end(), name) != wanted.end();
         });
}

}  // namespace

bool differs_in_place(const StreamConfig& before, const StreamConfig& after) {
  auto same = after;
  same.zones = before.zones;
  same.lines = before.lines;
  if (same.record && before.record) {
    same.record->labels = before.record->labels;
    same.record->zones = before.record->zones;
  }
  return same == before;
}

Camera::Camera(StreamConfig config, const CameraSetting& setting, base::Clock& clock)
    : name_(config.name),
      options_(setting.options),
      models_(setting.models),
      label_names_(setting.models.labels.names),
      data_(setting.data),
      is_file_(plays_file(config.source)),
      is_live_(config.loop || !is_file_),
      hls_folder_(config.hls ? data_ + "/hls/" + name_ : std::string()),
      clock_(clock),
      newest_(setting.models.labels.names),
      config_(std::move(config)) {}

Camera::~Camera() {
  newest_.close();
  if (recorder_) recorder_->finish();
}

Status Camera::check(const StreamConfig& config, const engine::Options& options,
                     const engine::RunModels& models) {
  const auto named = [&](Error error) {
    error.message = "stream '" + config.name + "': " + error.message;
    return error;
  };
  const auto& names = models.labels.names;
  if (auto shapes = tracking::check_shapes(zones_of(config), lines_of(config), names); !shapes) {
    return named(shapes.error());
  }
  for (const auto& label : config.record ? config.record->labels : std::vector<std::string>()) {
    if (std::find(names.begin(), names.end(), label) != names.end()) continue;
    const std::vector<std::string_view> known(names.begin(), names.end());
    return named({ErrorCode::kInvalidArgument,
                  "record.labels: no class '" + label + "'" + engine::suggestion(label, known)});
  }
  const auto tracks = engine::StreamTracks::create(options, models);
  return tracks ? Status() : Status(named(tracks.error()));
}

Result<std::shared_ptr<Camera>> Camera::create(const StreamConfig& config,
                                               const CameraSetting& setting, base::Clock& clock) {
  OSPREY_TRY(check(config, setting.options, setting.models));
  std::shared_ptr<Camera> camera(new Camera(config, setting, clock));
  tracking::ObjectEventsOptions watching;
  watching.camera = config.name;
  watching.names = setting.models.labels.names;
  watching.zones = zones_of(config);
  watching.lines = lines_of(config);
  camera->events_ = OSPREY_TRY(tracking::ObjectEvents::create(watching));
  OSPREY_TRY(camera->make_recorder(setting.retention));
  return camera;
}

Status Camera::make_recorder(const media::Retention& retention) {
  if (!config_.record) return {};
  media::EventRecorderOptions options;
  options.folder = data_ + "/recordings";
  options.camera = config_.name;
  options.pre_roll = milliseconds_of(config_.record->pre_roll);
  options.post_roll = milliseconds_of(config_.record->post_roll);
  options.max_length = milliseconds_of(config_.record->longest);
  options.retention = retention;
  recorder_ = OSPREY_TRY(media::EventRecorder::create(options, clock_));
  return {};
}

void Camera::make_outputs() {
  const auto fps = reading().declared_fps;
  const auto config = this->config();
  for (const bool hls : {true, false}) {
    if (hls ? !config.hls : config.rtsp_out.empty()) continue;
    media::LiveOutputOptions options;
    options.name = name_;
    if (hls) {
      options.hls_folder = hls_folder();
    } else {
      options.rtsp_url = config.rtsp_out;
    }
    if (fps > 0) options.frame_rate = fps;
    auto output = media::LiveOutput::create(options, clock_);
    const std::lock_guard lock(mutex_);
    if (output) {
      outputs_.push_back(std::move(*output));
    } else {
      output_problem_ = output.error().message;
    }
  }
}

void Camera::put_out(const std::shared_ptr<const FrameResult>& result) {
  if (!std::exchange(outputs_made_, true)) make_outputs();
  for (const auto& output : outputs_) {
    output->write(result->frame->timestamp, [result, this] {
      return vision::annotate(result->frame->image, result->detections, label_names());
    });
  }
}

std::string Camera::output_problem() const {
  if (recorder_) {
    if (auto problem = recorder_->stats().problem; !problem.empty()) return "recording: " + problem;
  }
  const std::lock_guard lock(mutex_);
  for (const auto& output : outputs_) {
    if (auto problem = output->stats().problem; !problem.empty()) return problem;
  }
  return output_problem_;
}

StreamConfig Camera::config() const {
  const std::lock_guard lock(mutex_);
  return config_;
}

Status Camera::open() {
  const auto config = this->config();
  media::LiveSourceOptions options;
  options.loop = config.loop;
  options.source.transport = config.transport;
  options.source.decoder = config.decoder;
  options.source.tap = recorder_;
  options.source.max_age = duration_of(config.max_age);
  std::shared_ptr<media::Source> source;
  if (is_live()) {
    source = OSPREY_TRY(media::LiveSource::create(config.source, 0, options, clock_));
  } else {
    source = OSPREY_TRY(media::LiveSource::open(config.source, 0, options, clock_));
  }
  const std::lock_guard lock(mutex_);
  source_ = std::move(source);
  return {};
}

std::shared_ptr<media::Source> Camera::source() const {
  const std::lock_guard lock(mutex_);
  return source_;
}

media::SourceReading Camera::reading() const {
  const std::lock_guard lock(mutex_);
  return source_ ? source_->meter() : last_reading_;
}

std::vector<Event> Camera::take(FrameResult& result) {
  const auto& frame = *result.frame;
  std::vector<Event> events;
  if (!result.error) {
    follow(frame, result.detections);
    const std::lock_guard lock(mutex_);
    events = events_->update(result.detections, frame.image.width, frame.image.height,
                             frame.timestamp, frame.captured);
    last_frame_ = clock_.now();
  }
  record(events);
  const auto shared = std::make_shared<const FrameResult>(result);
  put_out(shared);
  newest_.put(shared);
  return events;
}

void Camera::follow(const Frame& frame, std::vector<Detection>& detections) {
  if (!tracks_) {
    auto tracks = engine::StreamTracks::create(options_, models_);
    StreamInfo stream;
    stream.index = frame.id.stream;
    stream.frame_rate = reading().declared_fps;
    // Neither fails: the options were checked when the camera was made.
    if (!tracks || !tracks->begin(stream)) return;
    tracks_ = std::move(*tracks);
  }
  tracks_->follow(frame, detections);
}

std::vector<Event> Camera::end() {
  newest_.close();
  std::unique_lock ending(mutex_);
  auto events = events_->end_all();
  ending.unlock();
  record(events);
  const std::lock_guard lock(mutex_);
  if (source_) last_reading_ = source_->meter();
  last_reading_.state = media::SourceState::kEnded;
  source_.reset();
  return events;
}

void Camera::finish() {
  if (recorder_) recorder_->finish();
  decltype(outputs_) over;
  const std::lock_guard lock(mutex_);
  over.swap(outputs_);
}

std::vector<Event> Camera::away() {
  std::vector<Event> events;
  if (reading().state == media::SourceState::kRunning) return events;
  {
    const std::lock_guard lock(mutex_);
    if (clock_.now() - last_frame_ < kPatience) return events;
    events = events_->end_all();
  }
  record(events);
  return events;
}

void Camera::record(const std::vector<Event>& events) {
  if (!recorder_) return;
  for (const auto& event : events) {
    if (event.type == Event::Type::kEnd) {
      recorder_->end(event.after.id);
      continue;
    }
    const std::lock_guard lock(mutex_);
    const auto& wanted = *config_.record;
    if (has_any(wanted.labels, {event.after.label}) &&
        has_any(wanted.zones, event.after.entered_zones)) {
      recorder_->begin(event.after.id);
    }
  }
}

Status Camera::change(const StreamConfig& config) {
  const std::lock_guard lock(mutex_);
  OSPREY_TRY(events_->set_shapes(zones_of(config), lines_of(config)));
  config_ = config;
  return {};
}

}  // namespace osprey::live
