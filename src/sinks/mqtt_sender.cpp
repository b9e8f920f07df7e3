// SPDX-License-Identifier: Apache-2.0
#include "sinks/mqtt_sender.hpp"

#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <string_view>
#include <utility>

#include "base/try.hpp"
#include "sinks/home_assistant.hpp"
#include "sinks/json_text.hpp"
#include "sinks/secret_file.hpp"

namespace osprey::sinks {

namespace {

using SteadyTime = std::chrono::steady_clock::time_point;
using std::chrono::steady_clock;

constexpr int kLoopMilliseconds = 100;  ///< how late cancel() may be heard
constexpr std::chrono::milliseconds kFarewell{300};
constexpr int kExactlyHere = 1;  ///< QoS 1

struct DestroyClient {
  void operator()(mosquitto* client) const { mosquitto_destroy(client); }
};

std::string some_client_id() {
  constexpr char kHex[] = "0123456789abcdef";
  std::string id = "osprey-";
  std::random_device random;
  for (unsigned digits = random(), i = 0; i < 8; ++i, digits >>= 4) id += kHex[digits & 15];
  return id;
}

/// What a broker means by not taking an event.
ErrorCode kind_of(int reason) {
  switch (reason) {
    case MQTT_RC_TOPIC_NAME_INVALID:
    case MQTT_RC_PACKET_TOO_LARGE:
    case MQTT_RC_PAYLOAD_FORMAT_INVALID:
      return ErrorCode::kInvalidArgument;
    case MQTT_RC_UNSPECIFIED:
    case MQTT_RC_IMPLEMENTATION_SPECIFIC:
      return ErrorCode::kInternal;
    default:
      return ErrorCode::kUnavailable;
  }
}

Status check(const MqttOptions& options) {
  const auto wrong = [](const std::string& text) {
    return Error{ErrorCode::kInvalidArgument, text};
  };
  if (options.host.empty()) return wrong("host: expected the broker's name or address");
  if (options.port < 1 || options.port > 65535) {
    return wrong("port: expected 1 to 65535, not " + std::to_string(options.port));
  }
  for (const auto& [name, text] :
       {std::pair{"prefix", &options.prefix}, std::pair{"discovery", &options.discovery}}) {
    const bool may_be_empty = text == &options.discovery;
    if ((text->empty() && !may_be_empty) || text->find_first_of("+#") != std::string::npos ||
        text->size() > 200 || text->starts_with('/') || text->ends_with('/') ||
        text->starts_with('$') ||
        mosquitto_validate_utf8(text->data(), static_cast<int>(text->size())) != MOSQ_ERR_SUCCESS) {
      return wrong(std::string(name) +
                   ": expected the beginning of a topic, without +, # and / at its ends, not \"" +
                   *text + '"');
    }
  }
  if (options.window < 1 || options.window > 1000) {
    return wrong("window: expected 1 to 1000, not " + std::to_string(options.window));
  }
  if (options.keepalive < std::chrono::seconds(5) || options.keepalive > std::chrono::hours(18)) {
    return wrong("keepalive: expected 5 to 64800 s, not " +
                 std::to_string(options.keepalive.count()));
  }
  if (options.certificate_file.empty() != options.key_file.empty()) {
    return wrong("certificate and key: expected both or none");
  }
  if (!options.password_file.empty() && options.username.empty()) {
    return wrong("password: expected a user name, too");
  }
  const bool tls_options = !options.ca_file.empty() || !options.certificate_file.empty();
  if (tls_options && !options.tls) return wrong("certificates: expected tls to be on, too");
  for (const auto& [path, what] : {std::pair{&options.ca_file, "certificates in PEM"},
                                   std::pair{&options.certificate_file, "a certificate in PEM"},
                                   std::pair{&options.key_file, "a key in PEM"}}) {
    if (!path->empty()) (void)OSPREY_TRY(base::read_file(*path, what));
  }
  if (!options.password_file.empty()) {
    (void)OSPREY_TRY(read_secret(options.password_file, "a password"));
  }
  return {};
}

bool has_ipv4(const std::string& host) {
  addrinfo hints{};
  hints.ai_family = AF_INET;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0) return false;
  ::freeaddrinfo(found);
  return true;
}

/// Drives libmosquitto from the caller's thread: no other thread touches the client.
class LoopedSender final : public MqttSender {
 public:
  explicit LoopedSender(MqttOptions options)
      : options_(std::move(options)),
        called_("mqtt " + options_.host + ":" + std::to_string(options_.port)),
        version_(options_.require_subscriber ? MQTT_PROTOCOL_V5 : MQTT_PROTOCOL_V311) {}

  ~LoopedSender() override {
    if (!connected_) return;
    // The last will is for those who go without a word.
    publish("available", "offline", kExactlyHere, true);
    const SteadyTime until = steady_clock::now() + kFarewell;
    while (mosquitto_want_write(client_.get()) && steady_clock::now() < until) {
      if (mosquitto_loop(client_.get(), 10, 1) != MOSQ_ERR_SUCCESS) break;
    }
    mosquitto_disconnect(client_.get());
    mosquitto_loop(client_.get(), 10, 1);
  }

  Status keep() override {
    if (cancelled_.load()) return cancelled();
    if (connected_) (void)step(0);
    if (!connected_) OSPREY_TRY(connect());
    send_latest();
    return {};
  }

  std::uint64_t connections() const override { return connections_; }
  std::size_t window() const override {
    return options_.require_subscriber || options_.receiver_acknowledges ? 1 : options_.window;
  }
  void cancel() override { cancelled_.store(true); }

  SendOutcome send(std::span<const outbox::StoredEvent> events) override {
    SendOutcome outcome;
    if (!connected_) {
      outcome.status = lost();
      return outcome;
    }
    in_flight_.clear();
    awaited_key_ = events.empty() ? "" : events.back().key;
    received_ = false;
    for (const auto& event : events) {
      int number = 0;
      const int done = mosquitto_publish(client_.get(), &number, topic("events").c_str(),
                                         static_cast<int>(event.json.size()), event.json.data(),
                                         kExactlyHere, false);
      if (done != MOSQ_ERR_SUCCESS) {
        const bool oversize = done == MOSQ_ERR_OVERSIZE_PACKET || done == MOSQ_ERR_PAYLOAD_SIZE;
        outcome.status = Error{oversize ? ErrorCode::kInvalidArgument : ErrorCode::kUnavailable,
                               called_ + ": " + mosquitto_strerror(done)};
        break;
      }
      in_flight_.push_back({number, std::nullopt});
    }
    // What was handed over before a failure is waited for, so that nothing is left on its way.
    Status waited = wait_until([this] { return all_answered(); }, "no acknowledgement");
    if (waited.ok() && options_.receiver_acknowledges && outcome.status.ok() && all_taken()) {
      waited = wait_until([this] { return received_; }, "no receiver has acknowledged");
      if (!waited.ok()) {
        outcome.status = std::move(waited);
        return outcome;
      }
    }
    for (const auto& sent : in_flight_) {
      if (!sent.reason) {
        outcome.status = waited.ok() ? lost() : waited.error();
        break;
      }
      if (Status taken = judge(*sent.reason); !taken.ok()) {
        outcome.status = std::move(taken);
        break;
      }
      ++outcome.acknowledged;
    }
    in_flight_.clear();
    if (outcome.acknowledged > 0) send_latest();
    return outcome;
  }

  void set_streams(const std::vector<MqttStream>& streams) override {
    std::map<std::string, std::string> messages;
    if (!options_.discovery.empty()) {
      messages = discovery_messages(options_.discovery, options_.prefix, streams);
    }
    const std::lock_guard lock(mutex_);
    streams_ = streams;
    for (auto& [topic, latest] : latest_) {
      const bool gone =
          latest.discovery ? !messages.contains(topic) : is_count_of_none(topic, streams);
      if (!gone) continue;
      latest.payload.clear();  // which takes it from the broker
      latest.fresh = true;
    }
    for (const auto& [topic, payload] : messages) set(topic, payload, true).discovery = true;
  }

  void set_stats(double uptime, const std::vector<MqttStreamStats>& streams) override {
    const std::lock_guard lock(mutex_);
    set(topic("stats"), stats_json(uptime, streams), false);
  }

  void set_count(const std::string& camera, const std::string& zone, const std::string& label,
                 std::uint64_t count) override {
    const std::lock_guard lock(mutex_);
    set(count_topic(options_.prefix, camera, zone, label), std::to_string(count), true);
  }

 private:
  struct InFlight {
    int number;
    std::optional<int> reason;
  };
  struct Latest {
    std::string payload;
    bool retain = false, fresh = false, discovery = false;
  };

  std::string topic(const char* end) const { return options_.prefix + "/" + end; }

  static Error cancelled() { return {ErrorCode::kCancelled, "cancelled"}; }
  Error lost() const {
    return {ErrorCode::kUnavailable,
            called_ + ": " + (problem_.empty() ? "the connection was lost" : problem_)};
  }

  /// Whether a topic is a count's, of none of the streams.
  bool is_count_of_none(const std::string& topic, const std::vector<MqttStream>& streams) const {
    const bool has_stream = std::any_of(streams.begin(), streams.end(), [&](const auto& stream) {
      const auto any = count_topic(options_.prefix, stream.name, "", "");
      return topic.starts_with(any.substr(0, any.rfind('/') + 1));
    });
    return !has_stream && topic != this->topic("stats");
  }

  /// With mutex_ held.
  Latest& set(const std::string& topic, const std::string& payload, bool retain) {
    Latest& latest = latest_[topic];
    latest.fresh = latest.fresh || latest.payload != payload || !retain;
    latest.payload = payload;
    latest.retain = retain;
    return latest;
  }

  int publish(const char* end, const std::string& payload, int quality, bool retain) {
    return mosquitto_publish(client_.get(), nullptr, topic(end).c_str(),
                             static_cast<int>(payload.size()), payload.data(), quality, retain);
  }

  void send_latest() {
    const std::lock_guard lock(mutex_);
    for (auto one = latest_.begin(); one != latest_.end();) {
      Latest& latest = one->second;
      if (latest.fresh) {
        // Refused names and sizes would be refused again: not tried again.
        const int done = mosquitto_publish(client_.get(), nullptr, one->first.c_str(),
                                           static_cast<int>(latest.payload.size()),
                                           latest.payload.data(), 0, latest.retain);
        if (done == MOSQ_ERR_NO_CONN || done == MOSQ_ERR_CONN_LOST) return;
        latest.fresh = false;
      }
      one = latest.payload.empty() ? latest_.erase(one) : std::next(one);
    }
  }

  /// One turn of the client; false: there is no connection any more.
  bool step(int milliseconds) {
    // Brokers hold a second small packet back until the system has acknowledged the first, which it
    // otherwise does after 40 ms.
    const int at_once = 1;
    ::setsockopt(mosquitto_socket(client_.get()), IPPROTO_TCP, TCP_QUICKACK, &at_once,
                 sizeof at_once);
    const int done = mosquitto_loop(client_.get(), milliseconds, 1);
    if (done == MOSQ_ERR_SUCCESS) return true;
    if (problem_.empty()) problem_ = mosquitto_strerror(done);
    connected_ = false;
    return false;
  }

  bool all_answered() const {
    return std::all_of(in_flight_.begin(), in_flight_.end(),
                       [](const InFlight& sent) { return sent.reason.has_value(); });
  }
  bool all_taken() const {
    return std::all_of(in_flight_.begin(), in_flight_.end(), [this](const InFlight& sent) {
      return sent.reason && judge(*sent.reason).ok();
    });
  }

  template <typename Done>
  Status wait_until(const Done& done, const char* otherwise) {
    const SteadyTime until = steady_clock::now() + options_.timeout;
    while (!done()) {
      if (cancelled_.load()) return cancelled();
      if (steady_clock::now() >= until) {
        problem_ = std::string(otherwise) + " in time";
        connected_ = false;
        return lost();
      }
      if (!step(kLoopMilliseconds)) return lost();
    }
    return {};
  }

  Status judge(int reason) const {
    if (reason == MQTT_RC_NO_MATCHING_SUBSCRIBERS) {
      if (!options_.require_subscriber && !options_.receiver_acknowledges) return {};
      return Error{ErrorCode::kUnavailable,
                   called_ + ": nobody has subscribed to " + topic("events")};
    }
    if (reason < MQTT_RC_UNSPECIFIED) return {};
    return Error{kind_of(reason), called_ + ": " + mosquitto_reason_string(reason)};
  }

  Status connect() {
    if (Status opened = open_connection(); !opened.ok()) {
      ++failures_;
      return opened;
    }
    ++connections_;
    publish("available", "online", kExactlyHere, true);
    if (options_.receiver_acknowledges) {
      mosquitto_subscribe(client_.get(), nullptr, topic("events/received").c_str(), 0);
    }
    if (!options_.discovery.empty()) {
      const auto all = options_.discovery + "/+/+/+/config";
      mosquitto_subscribe(client_.get(), nullptr, all.c_str(), 0);
    }
    const std::lock_guard lock(mutex_);
    for (auto& [topic, latest] : latest_) latest.fresh = latest.fresh || latest.retain;
    return {};
  }

  Status open_connection() {
    // What was on its way is not sent again by the library, but from the outbox.
    client_.reset(mosquitto_new(options_.client_id.c_str(), true, this));
    if (!client_) return Error{ErrorCode::kInternal, "libmosquitto: out of memory"};
    problem_.clear();
    OSPREY_TRY(set_up());
    // Of a name's addresses libmosquitto 2.0 waits for the first, mostly of IPv6, and tries no
    // other. Bound to an address of IPv4 it passes those of IPv6 over; certificates are still
    // checked for the name. What worked comes first the next time.
    const bool ipv4 = failures_ % 2 == 1 && has_ipv4(options_.host);
    const int begun = mosquitto_connect_bind_async(
        client_.get(), options_.host.c_str(), options_.port,
        static_cast<int>(options_.keepalive.count()), ipv4 ? "0.0.0.0" : nullptr);
    if (begun != MOSQ_ERR_SUCCESS) {
      problem_ = begun == MOSQ_ERR_EAI ? "no such host" : mosquitto_strerror(begun);
      return lost();
    }
    const SteadyTime until = steady_clock::now() + options_.timeout;
    while (!connected_) {
      if (cancelled_.load()) return cancelled();
      if (steady_clock::now() >= until) problem_ = "no answer in time";
      if (!problem_.empty() || !step(kLoopMilliseconds)) {
        connected_ = false;
        return lost();
      }
    }
    return {};
  }

  Status set_up() {
    mosquitto* client = client_.get();
    const std::string will = topic("available");
    const auto check = [&](int done) -> Status {
      if (done == MOSQ_ERR_SUCCESS) return {};
      return Error{ErrorCode::kUnavailable, called_ + ": " + mosquitto_strerror(done)};
    };
    OSPREY_TRY(check(mosquitto_int_option(client, MOSQ_OPT_PROTOCOL_VERSION, version_)));
    OSPREY_TRY(check(mosquitto_int_option(client, MOSQ_OPT_TCP_NODELAY, 1)));
    OSPREY_TRY(check(mosquitto_will_set(client, will.c_str(), 7, "offline", kExactlyHere, true)));
    if (!options_.username.empty()) {
      std::string password;
      if (!options_.password_file.empty()) {
        auto read = read_secret(options_.password_file, "a password");
        if (!read.ok()) return Error{ErrorCode::kUnavailable, read.error().message};
        password = *std::move(read);
      }
      OSPREY_TRY(check(mosquitto_username_pw_set(client, options_.username.c_str(),
                                                 password.empty() ? nullptr : password.c_str())));
    }
    if (options_.tls) {
      const auto or_none = [](const std::string& path) {
        return path.empty() ? nullptr : path.c_str();
      };
      if (options_.ca_file.empty()) {
        OSPREY_TRY(check(mosquitto_int_option(client, MOSQ_OPT_TLS_USE_OS_CERTS, 1)));
      }
      if (!options_.ca_file.empty() || !options_.certificate_file.empty()) {
        OSPREY_TRY(check(mosquitto_tls_set(client, or_none(options_.ca_file),
                                           options_.ca_file.empty() ? "/etc/ssl/certs" : nullptr,
                                           or_none(options_.certificate_file),
                                           or_none(options_.key_file), nullptr)));
      }
      OSPREY_TRY(check(mosquitto_tls_opts_set(client, 1, "tlsv1.2", nullptr)));
    }
    mosquitto_connect_v5_callback_set(client, on_connect);
    mosquitto_disconnect_v5_callback_set(client, on_disconnect);
    mosquitto_publish_v5_callback_set(client, on_publish);
    mosquitto_message_v5_callback_set(client, on_message);
    return {};
  }

  static void on_connect(mosquitto*, void* self, int reason, int, const mosquitto_property*) {
    auto& sender = *static_cast<LoopedSender*>(self);
    sender.connected_ = reason == 0;
    if (reason == 0) return;
    const bool v5 = sender.version_ == MQTT_PROTOCOL_V5;
    sender.problem_ = v5 ? mosquitto_reason_string(reason) : mosquitto_connack_string(reason);
  }

  static void on_disconnect(mosquitto*, void* self, int reason, const mosquitto_property*) {
    auto& sender = *static_cast<LoopedSender*>(self);
    sender.connected_ = false;
    if (sender.problem_.empty() && reason >= MQTT_RC_UNSPECIFIED) {
      sender.problem_ = mosquitto_reason_string(reason);
    }
  }

  static void on_publish(mosquitto*, void* self, int number, int reason,
                         const mosquitto_property*) {
    for (InFlight& sent : static_cast<LoopedSender*>(self)->in_flight_) {
      if (sent.number == number) sent.reason = reason;
    }
  }

  static void on_message(mosquitto*, void* self, const mosquitto_message* message,
                         const mosquitto_property*) {
    auto& sender = *static_cast<LoopedSender*>(self);
    if (message->payload == nullptr) return;
    const std::string_view text(static_cast<const char*>(message->payload),
                                static_cast<std::size_t>(message->payloadlen));
    if (message->topic == sender.topic("events/received")) {
      // Others are of events that went twice.
      if (text == sender.awaited_key_) sender.received_ = true;
    } else if (message->retain) {
      sender.found(message->topic, text);
    }
  }

  /// A discovery message that the broker has kept. Its stream may have gone while nobody was there
  /// to take it away; its count may be that of an earlier run, which ended without a word.
  void found(const std::string& topic, std::string_view message) {
    const std::lock_guard lock(mutex_);
    if (!streams_) return;
    const auto found = read_discovery(message, options_.prefix, *streams_);
    if (!found.ours) return;
    if (found.gone) latest_[topic] = {"", true, true, true};
    if (found.count_topic.empty() || latest_.contains(found.count_topic)) return;
    latest_[found.count_topic] = {found.gone ? "" : "0", true, true, false};
  }

  const MqttOptions options_;
  const std::string called_;
  // A broker's unknown property in version 5 ends the process: libmosquitto 2.0 asserts where it
  // means to log. So only who asks for what 3.1.1 has not gets it.
  const int version_;
  std::atomic<bool> cancelled_ = false;

  std::mutex mutex_;
  std::map<std::string, Latest> latest_;  ///< by topic
  std::optional<std::vector<MqttStream>> streams_;

  // The caller's thread's.
  bool connected_ = false;
  std::string problem_;
  std::uint64_t connections_ = 0;
  unsigned failures_ = 0;  ///< to connect
  std::vector<InFlight> in_flight_;
  std::string awaited_key_;  ///< of the last event on its way
  bool received_ = false;    ///< a receiver has published it
  std::unique_ptr<mosquitto, DestroyClient> client_;
};

}  // namespace

Result<std::shared_ptr<MqttSender>> MqttSender::create(MqttOptions options) {
  static const int ready = mosquitto_lib_init();
  if (ready != MOSQ_ERR_SUCCESS) return Error{ErrorCode::kInternal, mosquitto_strerror(ready)};
  OSPREY_TRY(check(options));
  if (options.client_id.empty()) options.client_id = some_client_id();
  return std::shared_ptr<MqttSender>(std::make_shared<LoopedSender>(std::move(options)));
}

}  // namespace osprey::sinks
