// SPDX-License-Identifier: Apache-2.0
#include "live/results.hpp"

#include <algorithm>
#include <atomic>
#include <iterator>
#include <map>
#include <mutex>
#include <set>
#include <utility>
#include <variant>

#include "base/try.hpp"
#include "sinks/courier.hpp"
#include "sinks/event_json.hpp"
#include "sinks/frame_line.hpp"
#include "sinks/http_sender.hpp"
#include "sinks/mqtt_sender.hpp"
#include "sinks/rotating_json_lines.hpp"

namespace osprey::live {

namespace {

using SenderConfig = std::variant<MqttConfig, HttpConfig>;

std::string name_of(const SenderConfig& config) {
  const auto* http = std::get_if<HttpConfig>(&config);
  return http != nullptr ? http->name : "mqtt";
}

bool wants_pictures(const SenderConfig& config) {
  const auto* http = std::get_if<HttpConfig>(&config);
  return http != nullptr && http->format == "note";
}

outbox::ConsumerOptions consumer_of(const SenderConfig& config) {
  outbox::ConsumerOptions consumer;
  consumer.name = name_of(config);
  consumer.pictures = wants_pictures(config);
  return consumer;
}

std::vector<SenderConfig> senders_in(const SinksConfig& sinks) {
  std::vector<SenderConfig> senders;
  if (sinks.mqtt) senders.emplace_back(*sinks.mqtt);
  for (const auto& http : sinks.http) senders.emplace_back(http);
  return senders;
}

Result<std::shared_ptr<sinks::MqttSender>> make_mqtt(const MqttConfig& config) {
  sinks::MqttOptions options;
  options.host = config.host;
  options.port = config.port;
  options.client_id = config.client_id;
  options.prefix = config.prefix;
  options.username = config.username;
  options.password_file = config.password_file;
  options.tls = config.tls;
  options.ca_file = config.ca_file;
  options.require_subscriber = config.require_subscriber;
  options.receiver_acknowledges = config.receiver_acknowledges;
  options.discovery = config.discovery ? config.discovery_prefix : "";
  return sinks::MqttSender::create(options);
}

Result<std::shared_ptr<sinks::EventSender>> make_http(const HttpConfig& config) {
  sinks::HttpOptions options;
  options.url = config.url;
  if (config.format == "note") options.format = sinks::HttpOptions::Format::kNote;
  options.token_file = config.token_file;
  options.ca_file = config.ca_file;
  options.timeout = std::chrono::milliseconds(static_cast<int>(config.timeout * 1000));
  return sinks::create_http_sender(options);
}

std::uint64_t bytes_of(double megabytes) {
  return static_cast<std::uint64_t>(megabytes * 1e6);
}

struct Delivery {
  SenderConfig config;
  std::shared_ptr<sinks::EventSender> sender;
  std::shared_ptr<sinks::MqttSender> mqtt;  ///< the same, if it is one
  std::unique_ptr<sinks::Courier> courier;
};

Result<Delivery> make_delivery(const SenderConfig& config) {
  Delivery delivery{config, nullptr, nullptr, nullptr};
  if (const auto* mqtt = std::get_if<MqttConfig>(&config)) {
    delivery.mqtt = OSPREY_TRY(make_mqtt(*mqtt));
    delivery.sender = delivery.mqtt;
  } else {
    delivery.sender = OSPREY_TRY(make_http(std::get<HttpConfig>(config)));
  }
  return delivery;
}

class LiveResults final : public Results {
 public:
  explicit LiveResults(base::Clock& clock) : clock_(clock) {}

  Status launch(const Config& config, const engine::RunModels& models) {
    outbox::OutboxOptions options;
    options.path = config.data + "/outbox.db";
    options.limit_bytes = bytes_of(config.storage.outbox_megabytes);
    outbox_ = OSPREY_TRY(outbox::Outbox::open(options, clock_));
    return change(config, models);
  }

  Status change(const Config& config, const engine::RunModels& models) override {
    const auto wanted = senders_in(config.sinks);
    std::vector<Delivery> made, over;  // couriers of these end before others begin
    {
      const std::lock_guard lock(mutex_);
      for (const auto& sender : wanted) {
        const bool known = std::any_of(deliveries_.begin(), deliveries_.end(),
                                       [&](const auto& other) { return other.config == sender; });
        if (!known) made.push_back(OSPREY_TRY(make_delivery(sender)));
      }
      OSPREY_TRY(open_lines(config.sinks.json_lines, models));
      OSPREY_TRY(outbox_->set_limit(bytes_of(config.storage.outbox_megabytes)));
      const auto stays =
          std::partition(deliveries_.begin(), deliveries_.end(), [&](const auto& delivery) {
            return std::find(wanted.begin(), wanted.end(), delivery.config) != wanted.end();
          });
      std::move(stays, deliveries_.end(), std::back_inserter(over));
      deliveries_.erase(stays, deliveries_.end());
    }
    over.clear();  // without the lock: a courier ends when its host's name is found, or is not
    const std::lock_guard lock(mutex_);
    watched_ = watched_in(config);
    for (auto& [camera, watched] : watched_) {
      for (const auto& [label, count] : present_[camera]) watched.labels.insert(label);
    }
    // All of them, before the first has what it is sent, and pictures go that nobody waits for.
    for (const auto& delivery : made) {
      OSPREY_TRY(outbox_->add_consumer(consumer_of(delivery.config)));
    }
    for (auto& delivery : made) {
      if (delivery.mqtt) tell_all(*delivery.mqtt);
      OSPREY_TRY(start(delivery));
      deliveries_.push_back(std::move(delivery));
    }
    pictures_ = std::any_of(deliveries_.begin(), deliveries_.end(),
                            [](const auto& delivery) { return wants_pictures(delivery.config); });
    tell_streams();
    return {};
  }

  Status settle() override {
    std::vector<std::string> consumers;
    const std::lock_guard lock(mutex_);
    for (const auto& delivery : deliveries_) consumers.push_back(name_of(delivery.config));
    return outbox_->keep_consumers(consumers);
  }

  std::vector<serve::SinkStatus> status() const override {
    std::vector<serve::SinkStatus> all;
    const auto kept = outbox_->status();
    all.push_back({"outbox", kept.problem.empty(),
                   kept.problem.empty() ? kept.given_up : kept.problem,
                   static_cast<std::uint64_t>(kept.newest), 0, kept.lost});
    const std::lock_guard lock(mutex_);
    for (const auto& delivery : deliveries_) {
      const auto status = delivery.courier->status();
      const auto& events = status.events;
      all.push_back({name_of(delivery.config), status.connected, status.problem, events.delivered,
                     events.waiting, events.discarded + events.refused});
    }
    if (lines_)
      all.push_back({"json_lines", lines_problem_.empty(), lines_problem_, lines_written_});
    return all;
  }

  std::vector<sinks::SinkTime> times() const override {
    const std::lock_guard lock(mutex_);
    return {outbox_time_, lines_time_};
  }

  outbox::Outbox& outbox() override { return *outbox_; }

  void tell(const serve::ServiceStatus& status) override {
    std::vector<sinks::MqttStreamStats> stats;
    for (const auto& stream : status.streams) {
      std::uint64_t dropped = 0;
      for (const auto& [reason, frames] : stream.dropped) dropped += frames;
      stats.push_back({stream.name, stream.state, stream.diagnosis, stream.results_fps,
                       stream.age_p50, stream.captured, stream.delivered, dropped});
    }
    const auto now = clock_.now();
    const std::lock_guard lock(mutex_);
    for (const auto& delivery : deliveries_) {
      if (!delivery.mqtt) continue;
      for (const auto& stream : status.streams) tell_zones(*delivery.mqtt, stream);
      const std::chrono::duration<double> interval(
          std::get<MqttConfig>(delivery.config).stats_interval);
      if (now - told_ < interval) continue;
      delivery.mqtt->set_stats(status.uptime, stats);
      told_ = now;
    }
  }

  void take(const Camera& camera, const FrameResult& result) override {
    std::shared_ptr<sinks::Sink> lines;
    bool is_new = false;
    StreamInfo stream;
    stream.index = result.frame->id.stream;
    stream.uri = camera.name();
    stream.live = camera.is_live();
    {
      const std::lock_guard lock(mutex_);
      // The last results of a stream that ends since there are other models: of other labels.
      if (!lines_ || camera.label_names() != names_) return;
      lines = lines_;
      auto& begun = begun_[stream.index];
      is_new = std::exchange(begun, stream.uri) != stream.uri;
    }
    // Without the lock: a disk may be slow, and those who look do not wait for it.
    const auto began = clock_.now();
    auto written = is_new ? lines->begin(stream) : Status();
    if (written) written = lines->write(result);
    const std::lock_guard lock(mutex_);
    add_time(lines_time_, began);
    lines_problem_ = written ? "" : written.error().message;
    if (written) ++lines_written_;
  }

  std::string line_of(const Camera& camera, const FrameResult& result) const override {
    const std::lock_guard lock(mutex_);
    sinks::FrameLine line(camera.label_names(), model_names_);
    StreamInfo stream;
    stream.index = result.frame->id.stream;
    stream.uri = camera.name();
    line.begin(stream);
    return line.line(result);
  }

  void take(const Camera& camera, const FrameResult* result, const Event& event) override {
    std::string picture;
    if (pictures_ && result != nullptr) {
      auto jpeg = jpeg_of(*result, camera.label_names(), {});
      if (jpeg) picture = std::move(*jpeg);
    }
    const auto began = clock_.now();
    // A failure is counted by the outbox, and shown.
    [[maybe_unused]] const auto kept =
        outbox_->append(sinks::to_new_event(event, std::move(picture)));
    const std::lock_guard lock(mutex_);
    add_time(outbox_time_, began);
    count(event);
  }

 private:
  Status start(Delivery& delivery) {
    sinks::CourierOptions options;
    options.consumer = consumer_of(delivery.config);
    if (const auto* mqtt = std::get_if<MqttConfig>(&delivery.config)) options.resend = mqtt->resend;
    delivery.courier =
        OSPREY_TRY(sinks::Courier::start(*outbox_, delivery.sender, options, clock_));
    return {};
  }

  /// What brokers are told of a camera.
  struct Watched {
    std::set<std::string> labels;
    std::vector<std::string> zones;
  };

  static std::map<std::string, Watched> watched_in(const Config& config) {
    std::map<std::string, Watched> all;
    for (const auto& stream : config.streams) {
      auto& watched = all[stream.name];
      for (const auto& zone : stream.zones) {
        watched.zones.push_back(zone.name);
        watched.labels.insert(zone.classes.begin(), zone.classes.end());
      }
      for (const auto& line : stream.lines) {
        watched.labels.insert(line.classes.begin(), line.classes.end());
      }
      if (stream.record) {
        watched.labels.insert(stream.record->labels.begin(), stream.record->labels.end());
      }
    }
    return all;
  }

  void tell_streams() {
    std::vector<sinks::MqttStream> streams;
    for (const auto& [name, watched] : watched_) {
      streams.push_back({name, {watched.labels.begin(), watched.labels.end()}, watched.zones});
    }
    for (const auto& delivery : deliveries_) {
      if (delivery.mqtt) delivery.mqtt->set_streams(streams);
    }
  }

  /// Counts that a broker may have kept from an earlier run.
  void tell_all(sinks::MqttSender& mqtt) {
    for (const auto& [camera, watched] : watched_) {
      for (const auto& label : watched.labels) {
        const auto present = present_[camera].find(label);
        mqtt.set_count(camera, "", label, present == present_[camera].end() ? 0 : present->second);
        for (const auto& zone : watched.zones) mqtt.set_count(camera, zone, label, 0);
      }
    }
  }

  /// Of each label that ever was in a zone: those that are not now have a count, too.
  static void tell_zones(sinks::MqttSender& mqtt, const serve::StreamStatus& stream) {
    for (const auto& zone : stream.zones) {
      for (const auto& ever : zone.entered) {
        const auto now = std::find_if(zone.inside.begin(), zone.inside.end(),
                                      [&](const auto& one) { return one.first == ever.first; });
        mqtt.set_count(stream.name, zone.name, ever.first,
                       now == zone.inside.end() ? 0 : now->second);
      }
    }
  }

  void add_time(sinks::SinkTime& time, base::Instant began) {
    time.spent += clock_.now() - began;
    ++time.calls;
  }

  /// How many of a label are there, and that there is such a label.
  void count(const Event& event) {
    const auto& object = event.after;
    auto& labels = present_[object.camera];
    const bool was_there = event.type != Event::Type::kNew;
    const bool is_there = event.type != Event::Type::kEnd;
    if (was_there && (!is_there || event.before.label != object.label)) {
      auto& before = labels[event.before.label];
      before -= before > 0 ? 1 : 0;
      tell_count(object.camera, event.before.label);
    }
    if (is_there && (!was_there || event.before.label != object.label)) ++labels[object.label];
    const auto watched = watched_.find(object.camera);
    if (watched == watched_.end()) return;  // of a stream that has just gone
    if (watched->second.labels.insert(object.label).second) tell_streams();
    tell_count(object.camera, object.label);
  }

  void tell_count(const std::string& camera, const std::string& label) {
    for (const auto& delivery : deliveries_) {
      if (delivery.mqtt) delivery.mqtt->set_count(camera, "", label, present_[camera][label]);
    }
  }

  /// Opens the file, if what goes into it has changed.
  Status open_lines(const std::optional<JsonLinesConfig>& config, const engine::RunModels& models) {
    const auto& names = models.labels.names;
    const auto model_names = models.names_in_results();
    if (config != lines_config_ || names != names_ || model_names != model_names_) {
      std::unique_ptr<sinks::Sink> lines;
      if (config) {
        const sinks::RotationOptions rotation{bytes_of(config->max_megabytes), config->keep};
        lines = OSPREY_TRY(
            sinks::create_rotating_json_lines(config->path, names, rotation, model_names));
      }
      lines_ = std::move(lines);
      begun_.clear();
      lines_problem_.clear();
    }
    lines_config_ = config;
    names_ = names;
    model_names_ = model_names;
    return {};
  }

  base::Clock& clock_;
  std::unique_ptr<outbox::Outbox> outbox_;
  std::atomic<bool> pictures_ = false;
  mutable std::mutex mutex_;  // guards:
  std::vector<std::string> names_, model_names_;
  std::map<std::string, Watched> watched_;                               // by camera
  std::map<std::string, std::map<std::string, std::uint64_t>> present_;  // by camera and label
  std::vector<Delivery> deliveries_;
  base::Instant told_{};
  std::optional<JsonLinesConfig> lines_config_;
  std::shared_ptr<sinks::Sink> lines_;
  std::map<std::uint32_t, std::string> begun_;  // streams that lines_ knows, by index
  std::string lines_problem_;
  std::uint64_t lines_written_ = 0;
  sinks::SinkTime outbox_time_{"outbox"}, lines_time_{"json_lines"};
};

}  // namespace

Result<std::unique_ptr<Results>> Results::open(const Config& config,
                                               const engine::RunModels& models,
                                               base::Clock& clock) {
  auto results = std::make_unique<LiveResults>(clock);
  OSPREY_TRY(results->launch(config, models));
  return std::unique_ptr<Results>(std::move(results));
}

}  // namespace osprey::live
