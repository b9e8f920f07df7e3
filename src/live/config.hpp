// SPDX-License-Identifier: Apache-2.0
// What `osprey serve` is told: streams, models, zones, sinks and the server, in one YAML file.
#pragma once

#include <osprey/result.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/options.hpp"

namespace osprey::live {

/// A zone (three points or more) or a line (two). Points are shares of the picture's width and
/// height, 0..1.
struct ShapeConfig {
  std::string name;
  std::vector<std::array<double, 2>> points;
  std::vector<std::string> classes;  ///< labels that count; empty: all

  friend bool operator==(const ShapeConfig&, const ShapeConfig&) = default;
};

struct RecordConfig {
  double pre_roll = 5;              ///< seconds before an event, 0..60
  double post_roll = 5;             ///< and after it, 0..600
  double longest = 600;             ///< seconds of a file, 10..3600
  std::vector<std::string> labels;  ///< of objects that are worth it; empty: all
  std::vector<std::string> zones;   ///< in which they must have been; empty: anywhere

  friend bool operator==(const RecordConfig&, const RecordConfig&) = default;
};

struct StreamConfig {
  std::string name;  ///< letters, digits, - and _; unique
  std::string source;
  std::string transport = "tcp";  ///< or "udp"; of RTSP
  std::string decoder = "auto";
  bool loop = false;   ///< a file again and again, at its own pace
  double max_age = 2;  ///< seconds a frame may wait for a lane, 0.05..60
  std::vector<ShapeConfig> zones, lines;
  std::optional<RecordConfig> record;
  bool hls = false;      ///< the annotated stream for players, under /hls/<name>/
  std::string rtsp_out;  ///< where to push the annotated stream; empty: nowhere

  friend bool operator==(const StreamConfig&, const StreamConfig&) = default;
};

struct MqttConfig {
  std::string host;
  int port = 1883;
  std::string prefix = "osprey";
  std::string client_id = "osprey";
  std::string username, password_file;
  bool tls = false;
  std::string ca_file;
  bool require_subscriber = false, receiver_acknowledges = false;  ///< see sinks::MqttOptions
  int resend = 0;         ///< see sinks::CourierOptions; 0..100000
  bool discovery = true;  ///< tell Home Assistant
  std::string discovery_prefix = "homeassistant";
  double stats_interval = 10;  ///< seconds, 1..3600

  friend bool operator==(const MqttConfig&, const MqttConfig&) = default;
};

struct HttpConfig {
  std::string name;  ///< its queue's; made of the URL's host and a hash if there is none
  std::string url;
  std::string format = "json";  ///< or "note": length, JSON and picture in one
  std::string token_file, ca_file;
  double timeout = 10;  ///< seconds, 1..300

  friend bool operator==(const HttpConfig&, const HttpConfig&) = default;
};

struct JsonLinesConfig {
  std::string path;
  double max_megabytes = 100;  ///< of a file, 1..1e6
  int keep = 5;                ///< older files, 0..1000

  friend bool operator==(const JsonLinesConfig&, const JsonLinesConfig&) = default;
};

struct SinksConfig {
  std::optional<MqttConfig> mqtt;
  std::vector<HttpConfig> http;
  std::optional<JsonLinesConfig> json_lines;

  friend bool operator==(const SinksConfig&, const SinksConfig&) = default;
};

/// What is kept in the data folder.
struct StorageConfig {
  double outbox_megabytes = 256;         ///< events, 4..1e6
  double recordings_megabytes = 10'000;  ///< 1..1e9
  double recordings_days = 30;           ///< 0.01..10000

  friend bool operator==(const StorageConfig&, const StorageConfig&) = default;
};

struct WebConfig {
  std::string address = "127.0.0.1:8080";
  std::string token_file;                  ///< must be there for addresses of other machines
  std::string certificate_file, key_file;  ///< PEM; both or none
  std::vector<std::string> host_names;     ///< by which a proxy before it is called
  int viewers = 16;                        ///< live pictures at once, 1..256

  friend bool operator==(const WebConfig&, const WebConfig&) = default;
};

struct Config {
  std::string path;
  std::string text;  ///< the file's
  std::string data;  ///< folder for events, recordings, HLS
  engine::Options detect;
  std::string detect_text;  ///< what the file says of it, to see whether that changed
  std::vector<StreamConfig> streams;
  SinksConfig sinks;
  StorageConfig storage;
  WebConfig web;
};

/// Reads and checks a file, as far as that can be done without cameras, models and the network.
/// Paths in it are relative to its folder. Errors name file, line and key.
Result<Config> read_config(const std::string& path);
/// The same of `text` that would be the file's.
Result<Config> parse_config(const std::string& path, std::string text);

/// The file's text, its addresses as media::without_secrets() shows them, in comments too.
std::string without_secrets(const std::string& text);

/// Whether streams, zones and lines may be called so: letters, digits, - and _, at most 64.
bool is_name(const std::string& name);

/// The JSON Schema of the file, for editors.
std::string config_schema();

/// The configuration's text with other zones and lines for a stream; all else stays as it is,
/// comments too. Errors: the file is written in a way in which that cannot be done (streams in
/// braces, anchors); the shapes are wrong.
Result<std::string> with_shapes(const Config& config, const std::string& stream,
                                const std::vector<ShapeConfig>& zones,
                                const std::vector<ShapeConfig>& lines);

}  // namespace osprey::live
