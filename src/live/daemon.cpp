// SPDX-License-Identifier: Apache-2.0
#include "live/daemon.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <mutex>
#include <utility>

#include "base/file_writer.hpp"
#include "base/io_error.hpp"
#include "base/temporary_file.hpp"
#include "base/try.hpp"
#include "live/camera.hpp"
#include "live/results.hpp"
#include "live/status.hpp"
#include "live/streams.hpp"
#include "live/window.hpp"
#include "serve/server.hpp"

namespace osprey::live {

namespace {

using Cameras = std::vector<std::shared_ptr<Camera>>;

/// Objects are followed in any case.
engine::Options detection_of(const Config& config) {
  auto options = config.detect;
  options.track = true;
  return options;
}

media::Retention retention_of(const StorageConfig& storage) {
  const std::chrono::duration<double> keep(storage.recordings_days * 86'400);
  return {std::chrono::duration_cast<std::chrono::seconds>(keep),
          static_cast<std::uint64_t>(storage.recordings_megabytes * 1e6)};
}

Status check_streams(const Config& config, const engine::Options& options,
                     const engine::RunModels& models) {
  for (const auto& stream : config.streams) OSPREY_TRY(Camera::check(stream, options, models));
  return {};
}

std::string names_of(const engine::RunModels& models) {
  std::string names;
  for (const auto& model : models.models) {
    names += (names.empty() ? "" : ", ") + model.options.name;
  }
  return names;
}

std::vector<serve::Recording> recordings_in(const std::string& data) {
  std::vector<serve::Recording> all;
  const auto found = media::list_recordings(data + "/recordings");
  if (!found) return all;
  for (const auto& file : *found) all.push_back({file.name, file.camera, file.bytes, file.begin});
  return all;
}

serve::ServerOptions server_options(const WebConfig& web) {
  serve::ServerOptions options;
  options.address = web.address;
  options.token_file = web.token_file;
  options.certificate_file = web.certificate_file;
  options.key_file = web.key_file;
  options.host_names = web.host_names;
  options.limits.viewers = web.viewers;
  return options;
}

/// Whether one of these (HOST:PORT) may be what keeps the other from being had; port 0 is any that
/// is free.
bool collide(const std::string& a, const std::string& b) {
  const auto port = [](const std::string& address) {
    return std::strtol(address.c_str() + address.rfind(':') + 1, nullptr, 10);
  };
  return port(a) == port(b);
}

/// Fills what will take the place of `target`: as readable by others as that is, and on the disk.
Status write_in_place_of(const std::string& target, const base::TemporaryFile& file,
                         const std::string& text) {
  struct stat old {};
  if (::stat(target.c_str(), &old) != 0) return base::io_error(target, errno);
  const int descriptor = ::open(file.path().c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC);
  if (descriptor < 0) return base::io_error(target, errno);
  // Only root gives files away; to others the service's own will do.
  [[maybe_unused]] const int given = ::fchown(descriptor, old.st_uid, old.st_gid);
  Status status;
  if (::fchmod(descriptor, old.st_mode & 0777) != 0) status = base::io_error(target, errno);
  base::FileWriter writer(descriptor, target);
  if (status) status = writer.write(text);
  if (status) status = writer.close();
  if (status && ::fsync(descriptor) != 0) status = base::io_error(target, errno);
  if (::close(descriptor) != 0 && status) status = base::io_error(target, errno);
  return status;
}

class LiveDaemon final : public Daemon, serve::Service {
 public:
  LiveDaemon(Config config, base::Clock& clock, Log log)
      : clock_(clock), log_(std::move(log)), started_(clock.now()), config_(std::move(config)) {}

  ~LiveDaemon() override {
    if (server_) server_->stop();
    stop_monitor();
    Cameras cameras;
    {
      const std::lock_guard lock(mutex_);
      cameras = cameras_;
    }
    for (const auto& camera : cameras) camera->newest().close();
    streams_.reset();
  }

  Status launch() {
    const auto options = detection_of(config_);
    auto models = OSPREY_TRY(engine::read_models(options));
    OSPREY_TRY(check_streams(config_, options, models));  // before anything is there
    std::error_code error;
    std::filesystem::create_directories(config_.data, error);
    if (error) return Error{ErrorCode::kIo, config_.data + ": " + error.message()};
    results_ = OSPREY_TRY(Results::open(config_, models, clock_));
    OSPREY_TRY(open_server(config_));
    log_("compiling " + names_of(models));
    auto streams = OSPREY_TRY(Streams::start(std::move(models), options, *results_, clock_));
    auto cameras = OSPREY_TRY(make_cameras(config_, *streams, {}));
    {
      const std::lock_guard lock(mutex_);  // the server looks already
      streams_ = std::move(streams);
      cameras_ = std::move(cameras);
    }
    for (const auto& camera : cameras_) OSPREY_TRY(streams_->add(camera));
    settle();
    ready_ = true;
    monitor_ = clock_.start_thread("monitor", [this] { watch(); });
    return {};
  }

  // Daemon

  Status reload() override {
    const std::lock_guard one(changing_);
    const auto config = OSPREY_TRY(read_config(config_.path));
    if (config.data != config_.data) {
      return Error{ErrorCode::kInvalidArgument, "data: another folder needs a restart"};
    }
    const bool anew =
        config.detect_text != config_.detect_text || config.storage != config_.storage;
    return anew ? begin_anew(config) : go_on(config);
  }

  std::string address() const override { return server_ ? server_->address() : std::string(); }
  std::string status_line() const override { return as_line(status()); }
  std::string summary() const override { return as_summary(status()); }
  Status health() const override {
    const std::lock_guard lock(mutex_);
    return streams_ ? streams_->health() : Status();
  }

  // serve::Service

  serve::ServiceStatus status() const override {
    serve::ServiceStatus status;
    status.version = OSPREY_VERSION;
    status.uptime = std::chrono::duration<double>(clock_.now() - started_).count();
    status.ready = ready_;
    if (!ready_) status.not_ready = "models are being compiled";
    status.sinks = results_->status();
    const std::lock_guard lock(mutex_);
    put_streams(status, cameras_, streams_.get(), window_);
    return status;
  }

  Result<std::optional<serve::Picture>> picture(const std::string& stream, std::uint64_t after,
                                                bool annotated, int width,
                                                std::chrono::milliseconds patience) override {
    const auto camera = OSPREY_TRY(find(stream));
    auto jpeg = camera->newest().jpeg(after, {annotated, width}, patience);
    if (!jpeg) {
      const auto now = OSPREY_TRY(find(stream));
      if (now != camera) return std::optional<serve::Picture>();  // it goes on with another
      return jpeg.error();
    }
    if (!*jpeg) return std::optional<serve::Picture>();
    return std::optional(serve::Picture{std::move((*jpeg)->bytes), (*jpeg)->sequence});
  }

  Result<std::string> objects(const std::string& stream) const override {
    const auto camera = OSPREY_TRY(find(stream));
    const auto newest = camera->newest().get();
    if (!newest) return Error{ErrorCode::kNotFound, stream + ": no frame yet"};
    return results_->line_of(*camera, *newest);
  }

  Result<std::vector<serve::StoredEvent>> events(const serve::EventQuery& query) const override {
    outbox::HistoryQuery asked;
    asked.limit = query.limit;
    asked.before = query.before;
    asked.camera = query.camera;
    asked.label = query.label;
    asked.zone = query.zone;
    asked.type = query.type;
    auto found = OSPREY_TRY(results_->outbox().history(asked));
    std::vector<serve::StoredEvent> events;
    events.reserve(found.size());
    for (auto& event : found) events.push_back({event.number, std::move(event.json)});
    return events;
  }

  Result<std::vector<serve::Shape>> shapes(const std::string& stream) const override {
    const auto camera = OSPREY_TRY(find(stream));
    const auto config = camera->config();
    std::vector<serve::Shape> shapes;
    for (const auto& zone : config.zones) {
      shapes.push_back({zone.name, false, zone.points, zone.classes});
    }
    for (const auto& line : config.lines) {
      shapes.push_back({line.name, true, line.points, line.classes});
    }
    return shapes;
  }

  Status set_shapes(const std::string& stream, std::vector<serve::Shape> shapes) override {
    // A reload that moves the server waits for this thread.
    const std::unique_lock one(changing_, std::try_to_lock);
    if (!one) {
      return Error{ErrorCode::kUnavailable, "the configuration is being read, try again"};
    }
    const auto camera = OSPREY_TRY(find(stream));
    const auto before = camera->config();
    auto config = before;
    config.zones.clear();
    config.lines.clear();
    for (auto& shape : shapes) {
      auto& kind = shape.line ? config.lines : config.zones;
      kind.push_back({std::move(shape.name), std::move(shape.points), std::move(shape.classes)});
    }
    // The file may have been changed, and not been read again yet.
    const auto read = OSPREY_TRY(read_config(config_.path));
    auto text = OSPREY_TRY(with_shapes(read, stream, config.zones, config.lines));
    auto file = OSPREY_TRY(base::TemporaryFile::create(config_.path, config_.path));
    OSPREY_TRY(write_in_place_of(config_.path, file, text));
    OSPREY_TRY(camera->change(config));
    if (auto kept = file.commit(); !kept) {
      [[maybe_unused]] const auto back = camera->change(before);
      return kept;
    }
    const std::lock_guard lock(mutex_);
    config_.text = std::move(text);
    for (auto& known : config_.streams) {
      if (known.name == stream) known = config;
    }
    return {};
  }

  std::string config() const override {
    const std::lock_guard lock(mutex_);
    return without_secrets(config_.text);
  }

  std::vector<serve::Recording> recordings() const override { return recordings_in(config_.data); }

  Result<std::string> recording_path(const std::string& name) const override {
    return OSPREY_TRY(media::find_recording(config_.data + "/recordings", name)).string();
  }

  Result<std::string> hls_path(const std::string& stream, const std::string& file) const override {
    const auto camera = OSPREY_TRY(find(stream));
    const auto folder = camera->hls_folder();
    if (folder.empty()) return Error{ErrorCode::kNotFound, stream + ": has no HLS"};
    return OSPREY_TRY(media::find_hls_file(folder, file)).string();
  }

 private:
  /// In place of the one that runs.
  Status open_server(const Config& config) {
    const auto options = server_options(config.web);
    // Before they are read for use: what changes in between counts as changed.
    auto files = OSPREY_TRY(serve::Server::check(options));
    server_ = OSPREY_TRY(serve::Server::start(options, *this, clock_));
    server_files_ = std::move(files);
    return {};
  }

  /// Those of `config`, ready to be added, but for those that are in `kept` by their name.
  Result<Cameras> make_cameras(const Config& config, const Streams& streams, const Cameras& kept) {
    Cameras cameras;
    const CameraSetting setting{detection_of(config), streams.models(), config.data,
                                retention_of(config.storage)};
    OSPREY_TRY(check_streams(config, setting.options, setting.models));
    for (const auto& stream : config.streams) {
      const auto known = std::find_if(kept.begin(), kept.end(), [&](const auto& camera) {
        return camera->name() == stream.name;
      });
      if (known != kept.end()) {
        cameras.push_back(*known);
        continue;
      }
      cameras.push_back(OSPREY_TRY(Camera::create(stream, setting, clock_)));
      OSPREY_TRY(streams.prepare(*cameras.back()));
    }
    return cameras;
  }

  /// The models stay.
  Status go_on(const Config& config) {
    Cameras kept;
    for (const auto& camera : cameras_) {
      for (const auto& stream : config.streams) {
        if (stream.name == camera->name() && differs_in_place(camera->config(), stream)) {
          kept.push_back(camera);
        }
      }
    }
    auto cameras = OSPREY_TRY(make_cameras(config, *streams_, kept));
    OSPREY_TRY(change_surroundings(config, streams_->models()));
    const auto before = cameras_;
    {
      const std::lock_guard lock(mutex_);
      cameras_ = cameras;
      config_ = config;
    }
    const auto is_in = [](const Cameras& all, const std::shared_ptr<Camera>& camera) {
      return std::find(all.begin(), all.end(), camera) != all.end();
    };
    for (const auto& camera : before) {
      if (!is_in(cameras, camera)) streams_->end(*camera);
    }
    Cameras added;
    for (std::size_t i = 0; i < cameras.size(); ++i) {
      if (!is_in(before, cameras[i])) {
        added.push_back(cameras[i]);
      } else if (auto changed = cameras[i]->change(config.streams[i]); !changed) {
        log_(cameras[i]->name() + ": stays as it was: " + changed.error().message);
      }
    }
    add_cameras(added);
    return {};
  }

  /// Too late for an error, as all else has changed. One that cannot be added is not kept: the next
  /// reload tries again.
  void add_cameras(const Cameras& cameras) {
    for (const auto& camera : cameras) {
      const auto added = streams_->add(camera);
      if (added) continue;
      log_(camera->name() + ": not started: " + added.error().message);
      const std::lock_guard lock(mutex_);
      std::erase(cameras_, camera);
    }
  }

  /// Other models: compiled before the old ones end.
  Status begin_anew(const Config& config) {
    const auto options = detection_of(config);
    auto models = OSPREY_TRY(engine::read_models(options));
    auto streams = OSPREY_TRY(Streams::start(std::move(models), options, *results_, clock_));
    auto cameras = OSPREY_TRY(make_cameras(config, *streams, {}));
    OSPREY_TRY(change_surroundings(config, streams->models()));
    {
      const std::lock_guard lock(mutex_);
      std::swap(streams, streams_);
      std::swap(cameras, cameras_);
      config_ = config;
      window_.clear();
    }
    streams.reset();  // before the new ones: a camera may serve one client only
    add_cameras(Cameras(cameras_));
    return {};
  }

  /// Sinks and the server: both, or on an error none.
  Status change_surroundings(const Config& config, const engine::RunModels& models) {
    const auto files = OSPREY_TRY(serve::Server::check(server_options(config.web)));
    const bool moves = !server_ || config.web != config_.web || files != server_files_;
    auto changed = results_->change(config, models);
    if (changed && moves) changed = move_server(config);
    if (!changed) {
      [[maybe_unused]] const auto back = results_->change(config_, streams_->models());
      return changed;
    }
    settle();
    return {};
  }

  /// A failure is no reason to go back: the next reload tries again.
  void settle() {
    if (auto settled = results_->settle(); !settled) log_("sinks: " + settled.error().message);
  }

  /// On an error it stays where it was, as it was; if even that fails there is none, and a line and
  /// the error say so.
  Status move_server(const Config& config) {
    if (server_ && collide(config.web.address, server_->address())) server_.reset();
    auto moved = open_server(config);
    if (!moved && server_) return moved;
    if (!moved) {
      if (auto back = open_server(config_); !back) {
        log_("no server until the next reload: " + back.error().message);
        return Error{moved.error().code, moved.error().message + "; no server runs"};
      }
    }
    log_("serving " + server_->address());
    return moved;
  }

  Result<std::shared_ptr<Camera>> find(const std::string& stream) const {
    const std::lock_guard lock(mutex_);
    for (const auto& camera : cameras_) {
      if (camera->name() == stream) return camera;
    }
    return Error{ErrorCode::kNotFound, "no stream '" + stream + "'"};
  }

  /// Until the end: numbers of the last seconds, for people and brokers, and what changed.
  void watch() {
    std::unique_lock lock(monitoring_);
    while (!ending_) {
      lock.unlock();
      Cameras over;
      {
        const std::lock_guard guard(mutex_);
        window_.add(clock_.now(), streams_->stats(), results_->times());
        over = streams_->look_after();
      }
      for (const auto& camera : over) camera->finish();  // disks may be slow
      const auto now = status();
      results_->tell(now);
      tell_changes(now);
      lock.lock();
      const auto next = clock_.now() + std::chrono::seconds(1);
      while (!ending_ && tick_->wait_until(lock, next)) {
      }
    }
  }

  void stop_monitor() {
    {
      const std::lock_guard lock(monitoring_);
      ending_ = true;
    }
    tick_->notify_all();
    monitor_.reset();
  }

  void tell_changes(const serve::ServiceStatus& status) {
    for (const auto& stream : status.streams) {
      if (stream.state == "running" && stream.width == 0) continue;  // until its first frame
      const auto state = stream.state + (stream.problem.empty() ? "" : ": " + stream.problem);
      if (std::exchange(told_[stream.name], state) == state) continue;
      const auto size = std::to_string(stream.width) + "x" + std::to_string(stream.height);
      log_(stream.name + ": " + state +
           (stream.state == "running" ? ", " + size + ", " + stream.decoder : ""));
    }
    for (const auto& sink : status.sinks) {
      const auto state = sink.connected && sink.problem.empty() ? "connected" : sink.problem;
      if (std::exchange(told_[sink.name + " (sink)"], state) != state)
        log_(sink.name + ": " + state);
    }
  }

  base::Clock& clock_;
  const Log log_;
  const base::Instant started_;
  std::atomic<bool> ready_ = false;
  std::mutex changing_;       // one reload or saving at a time
  mutable std::mutex mutex_;  // guards:
  Config config_;             // whose path and data never change
  Cameras cameras_;
  Window window_;
  std::unique_ptr<Results> results_;
  std::unique_ptr<Streams> streams_;
  std::unique_ptr<serve::Server> server_;  // none if it could neither be moved nor stay
  std::string server_files_;               // what it was started with: serve::Server::check()
  std::mutex monitoring_;                  // guards:
  bool ending_ = false;
  std::unique_ptr<base::Condition> tick_ = clock_.make_condition();
  std::map<std::string, std::string> told_;  // the monitor's
  std::unique_ptr<base::Thread> monitor_;
};

}  // namespace

Result<std::unique_ptr<Daemon>> Daemon::start(Config config, base::Clock& clock, Log log) {
  auto daemon = std::make_unique<LiveDaemon>(std::move(config), clock, std::move(log));
  OSPREY_TRY(daemon->launch());
  return std::unique_ptr<Daemon>(std::move(daemon));
}

Status check_parts(const Config& config) {
  (void)OSPREY_TRY(serve::Server::check(server_options(config.web)));
  const auto options = detection_of(config);
  const auto models = OSPREY_TRY(engine::read_models(options));
  return check_streams(config, options, models);
}

}  // namespace osprey::live
