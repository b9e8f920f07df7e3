// SPDX-License-Identifier: Apache-2.0
// Events, counts and statistics to an MQTT broker, and sensors to Home Assistant.
#pragma once

#include <osprey/result.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sinks/event_sender.hpp"

namespace osprey::sinks {

struct MqttOptions {
  std::string host;
  int port = 1883;
  std::string client_id;          ///< empty: "osprey-" and something random
  std::string prefix = "osprey";  ///< what topics begin with
  std::string username;
  std::string password_file;  ///< its first line, read anew for each connection; or ""
  bool tls = false;
  std::string ca_file;                     ///< PEM, in place of the system's authorities; or ""
  std::string certificate_file, key_file;  ///< PEM, both or none
  std::chrono::seconds keepalive{30};
  std::chrono::milliseconds timeout{10'000};  ///< for a connection, and for an acknowledgement
  /// What the broker would give to nobody waits. Takes MQTT 5, and a broker that can be trusted:
  /// nonsense in what it says ends the process (libmosquitto 2.0).
  bool require_subscriber = false;
  /// An event is delivered when a receiver has published its key under "<prefix>/events/received",
  /// not when the broker has it: a broker that is killed, or whose queue is full, forgets.
  bool receiver_acknowledges = false;
  /// Events on their way at once; one with require_subscriber or receiver_acknowledges: a receiver
  /// that comes in the middle of several would have those at the end first.
  std::size_t window = 20;
  std::string discovery = "homeassistant";  ///< Home Assistant's prefix; empty: it is told nothing
};

/// A stream as Home Assistant is to see it.
struct MqttStream {
  std::string name;
  std::vector<std::string> labels;  ///< each becomes a count and an occupancy, in each zone too
  std::vector<std::string> zones;
};

struct MqttStreamStats {
  std::string name, state, diagnosis;
  double fps = 0;  ///< results a second
  double age = 0;  ///< seconds from capture to result, median
  std::uint64_t captured = 0, delivered = 0, dropped = 0;
};

/// Topics, behind the prefix; names' '/', '+' and '#' become '_':
///
///   available                   "online", or the last will "offline"; retained
///   events                      each event's JSON, QoS 1
///   events/received             where a receiver publishes keys, if receiver_acknowledges
///   stats                       {"uptime": s, "streams": {"<name>": {"fps": ...}}}
///   <camera>/<label>            objects now; retained
///   <camera>/<zone>/<label>     in a zone; retained
///
/// MQTT 3.1.1 or, with require_subscriber, 5. All but events are what was set last, QoS 0, sent
/// within a second; after a reconnection all that is retained, again.
class MqttSender : public EventSender {
 public:
  /// Errors: an option that is wrong (kInvalidArgument), a file that is not there. Does not connect
  /// yet.
  static Result<std::shared_ptr<MqttSender>> create(MqttOptions options);

  // Threads: any. They do not block on the network.
  /// In place of those before; who is gone is taken from Home Assistant.
  virtual void set_streams(const std::vector<MqttStream>& streams) = 0;
  virtual void set_stats(double uptime, const std::vector<MqttStreamStats>& streams) = 0;
  /// `zone` empty: in the whole picture.
  virtual void set_count(const std::string& camera, const std::string& zone,
                         const std::string& label, std::uint64_t count) = 0;
};

}  // namespace osprey::sinks
