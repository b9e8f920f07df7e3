// SPDX-License-Identifier: Apache-2.0
#include "live/config.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <set>
#include <string_view>

#include "base/read_file.hpp"
#include "base/try.hpp"
#include "engine/options_node.hpp"
#include "live/config_fields.hpp"
#include "media/secrets.hpp"
#include "outbox/outbox.hpp"

namespace osprey::live {

namespace {

constexpr std::size_t kMostStreams = 256, kMostShapes = 64, kMostPoints = 64;

Field<ShapeConfig> points_field(std::size_t least, std::size_t most) {
  const auto schema = schema_of(
      "array", "[x, y] each, shares of the picture's width and height, 0..1",
      "\"minItems\": " + std::to_string(least) + ", \"maxItems\": " + std::to_string(most) +
          R"(, "items": {"type": "array", "minItems": 2, "maxItems": 2, "items": )"
          R"({"type": "number", "minimum": 0, "maximum": 1}})");
  return {"points", true, schema, [=](ShapeConfig& into, const ConfigValue& value) -> Status {
            const auto items = OSPREY_TRY(value.items());
            if (items.size() < least || items.size() > most) {
              return value.error("expected " +
                                 (least == most
                                      ? std::to_string(least)
                                      : std::to_string(least) + " to " + std::to_string(most)) +
                                 " points");
            }
            into.points.clear();
            for (const auto& item : items) {
              const auto point = OSPREY_TRY(item.items());
              if (point.size() != 2) return item.error("expected a point: [x, y]");
              const double x = OSPREY_TRY(point[0].number(0, 1));
              const double y = OSPREY_TRY(point[1].number(0, 1));
              into.points.push_back({x, y});
            }
            return {};
          }};
}

Fields<ShapeConfig> shape_fields(std::size_t least_points, std::size_t most_points) {
  return {text_field("name", "letters, digits, - and _", &ShapeConfig::name, Need::kRequired),
          points_field(least_points, most_points),
          texts_field("classes", "labels that count; absent: all", &ShapeConfig::classes)};
}

const Fields<ShapeConfig>& zone_fields() {
  static const auto fields = shape_fields(3, kMostPoints);
  return fields;
}

const Fields<ShapeConfig>& line_fields() {
  static const auto fields = shape_fields(2, 2);
  return fields;
}

const Fields<RecordConfig>& record_fields() {
  using C = RecordConfig;
  static const Fields<C> fields = {
      number_field("pre_roll", "seconds kept from before an event", 0, 60, &C::pre_roll),
      number_field("post_roll", "seconds after an event's end", 0, 600, &C::post_roll),
      number_field("longest", "seconds of one file", 10, 3600, &C::longest),
      texts_field("labels", "of objects that are recorded; absent: all", &C::labels),
      texts_field("zones", "in which they must have been; absent: anywhere", &C::zones)};
  return fields;
}

const Fields<StreamConfig>& stream_fields() {
  using C = StreamConfig;
  static const Fields<C> fields = {
      text_field("name", "letters, digits, - and _; no other stream's", &C::name, Need::kRequired),
      text_field("source", "an address (rtsp, rtmp, http, ...), a device (/dev/video0) or a file",
                 &C::source, Need::kRequired),
      choice_field("transport", "of RTSP", {"tcp", "udp"}, &C::transport),
      text_field("decoder", "auto, software, or FFmpeg's name of a hardware decoder: rkmpp, ...",
                 &C::decoder),
      flag_field("loop", "play a file again and again, at its own pace", &C::loop),
      number_field("max_age", "seconds a frame may wait for a lane", 0.05, 60, &C::max_age),
      sections_field("zones", "parts of the picture that count objects", zone_fields(), &C::zones),
      sections_field("lines", "lines that count who goes over them, and where to", line_fields(),
                     &C::lines),
      section_field("record", "keep the video around events", record_fields(), &C::record),
      flag_field("hls", "give the annotated stream to players, as /hls/<name>/live.m3u8", &C::hls),
      text_field("rtsp_out", "push the annotated stream to this rtsp:// address", &C::rtsp_out)};
  return fields;
}

const Fields<SinksConfig>& sink_fields() {
  using M = MqttConfig;
  static const Fields<M> mqtt = {
      text_field("host", "the broker", &M::host, Need::kRequired),
      number_field("port", "", 1, 65535, &M::port),
      text_field("prefix", "of topics", &M::prefix),
      text_field("client_id", "of no other client of the broker", &M::client_id),
      text_field("username", "", &M::username),
      text_field("password_file", "a file whose first line is the password", &M::password_file),
      flag_field("tls", "", &M::tls),
      text_field("ca_file", "certificates to trust; absent: the system's", &M::ca_file),
      flag_field("require_subscriber", "what would go to nobody waits (MQTT 5, a broker you trust)",
                 &M::require_subscriber),
      number_field("resend", "of the last events that a new connection is given again", 0, 100'000,
                   &M::resend),
      flag_field("receiver_acknowledges",
                 "a receiver publishes the keys it has: nothing is lost when the broker is killed",
                 &M::receiver_acknowledges),
      flag_field("discovery", "tell Home Assistant what there is", &M::discovery),
      text_field("discovery_prefix", "of its topics", &M::discovery_prefix),
      number_field("stats_interval", "seconds", 1, 3600, &M::stats_interval)};
  using H = HttpConfig;
  static const Fields<H> http = {
      text_field("name", "for status pages; no other sink's", &H::name),
      text_field("url", "where events are posted", &H::url, Need::kRequired),
      choice_field("format", "json, or note: length, JSON and picture in one", {"json", "note"},
                   &H::format),
      text_field("token_file", "a file whose first line is a bearer token", &H::token_file),
      text_field("ca_file", "certificates to trust; absent: the system's", &H::ca_file),
      number_field("timeout", "seconds", 1, 300, &H::timeout)};
  using J = JsonLinesConfig;
  static const Fields<J> lines = {
      text_field("path", "a line a frame", &J::path, Need::kRequired),
      number_field("max_megabytes", "of a file, before the next is begun", 1, 1e6,
                   &J::max_megabytes),
      number_field("keep", "older files", 0, 1000, &J::keep)};
  using C = SinksConfig;
  static const Fields<C> fields = {
      section_field("mqtt", "events to a broker", mqtt, &C::mqtt),
      sections_field("http", "events to web servers", http, &C::http),
      section_field("json_lines", "all results to a file", lines, &C::json_lines)};
  return fields;
}

const Fields<StorageConfig>& storage_fields() {
  using C = StorageConfig;
  static const Fields<C> fields = {
      number_field("outbox_megabytes", "of events kept", outbox::kLeastLimit / 1e6, 1e6,
                   &C::outbox_megabytes),
      number_field("recordings_megabytes", "of recordings kept", 1, 1e9, &C::recordings_megabytes),
      number_field("recordings_days", "that recordings are kept", 0.01, 10'000,
                   &C::recordings_days)};
  return fields;
}

const Fields<WebConfig>& web_fields() {
  using C = WebConfig;
  static const Fields<C> fields = {
      text_field("address", "host:port", &C::address),
      text_field("token_file",
                 "a file whose first line is the token; demanded for addresses that "
                 "other machines reach",
                 &C::token_file),
      text_field("certificate_file", "PEM; with `key_file`: TLS", &C::certificate_file),
      text_field("key_file", "PEM", &C::key_file),
      texts_field("host_names", "names by which browsers may call it, besides localhost",
                  &C::host_names),
      number_field("viewers", "live pictures at once", 1, 256, &C::viewers)};
  return fields;
}

Status read_detect(Config& into, const ConfigValue& value) {
  const auto entries = OSPREY_TRY(value.entries());
  for (const auto& entry : entries) {
    const auto* known = engine::find_option(entry.first);
    if (known != nullptr && known->group == engine::OptionGroup::kOutput) {
      return entry.second.error("results go where `sinks:` says, and streams' `record:`, `hls:`");
    }
    if (entry.first == "source") return entry.second.error("expected under `streams:`");
  }
  into.detect_text = value.dump();
  return engine::read_settings(value.path(), value.node(), into.detect);
}

const Fields<Config>& fields_of_config() {
  static const Fields<Config> fields = {
      text_field("data", "folder for events, recordings and HLS; absent: beside this file, 'data'",
                 &Config::data),
      {"detect", true,
       schema_of("object", "the model or models, and how they run: keys of docs/options.md"),
       read_detect},
      sections_field("streams", "cameras", stream_fields(), &Config::streams, Need::kRequired),
      section_field("sinks", "where results go", sink_fields(), &Config::sinks),
      section_field("storage", "what is kept in the data folder", storage_fields(),
                    &Config::storage),
      section_field("server", "the dashboard and REST", web_fields(), &Config::web)};
  return fields;
}

Error wrong(const Config& config, const std::string& what) {
  return {ErrorCode::kInvalidArgument, config.path + ": " + what};
}

Status check_shapes(const Config& config, const StreamConfig& stream) {
  if (stream.zones.size() + stream.lines.size() > kMostShapes) {
    return wrong(config, "stream '" + stream.name + "': expected at most " +
                             std::to_string(kMostShapes) + " zones and lines");
  }
  std::set<std::string> names;
  for (const auto* shapes : {&stream.zones, &stream.lines}) {
    for (const auto& shape : *shapes) {
      const auto of = "stream '" + stream.name + "': '" + shape.name + "'";
      if (!is_name(shape.name)) {
        return wrong(config, of + ": expected a name of letters, digits, - and _, at most 64");
      }
      if (!names.insert(shape.name).second) return wrong(config, of + " is there twice");
      if (shapes == &stream.lines && shape.points[0] == shape.points[1]) {
        return wrong(config, of + ": expected a line between two points");
      }
    }
  }
  for (const auto& zone : stream.record ? stream.record->zones : std::vector<std::string>()) {
    if (std::none_of(stream.zones.begin(), stream.zones.end(),
                     [&](const auto& known) { return known.name == zone; })) {
      return wrong(config, "stream '" + stream.name + "': record.zones: no zone '" + zone + "'");
    }
  }
  return {};
}

Status check(const Config& config) {
  if (config.streams.empty() || config.streams.size() > kMostStreams) {
    return wrong(config, "streams: expected 1 to " + std::to_string(kMostStreams));
  }
  std::set<std::string> names;
  for (const auto& stream : config.streams) {
    if (!is_name(stream.name)) {
      return wrong(config, "stream '" + stream.name +
                               "': expected a name of letters, digits, - and _, at most 64");
    }
    if (!names.insert(stream.name).second) {
      return wrong(config, "stream '" + stream.name + "' is there twice");
    }
    OSPREY_TRY(check_shapes(config, stream));
  }
  if (config.web.certificate_file.empty() != config.web.key_file.empty()) {
    return wrong(config, "server: expected both certificate_file and key_file, or none");
  }
  const auto models = engine::each_model(config.detect);
  return models ? Status() : wrong(config, "detect: " + models.error().message);
}

/// "http-example.org-1f3a". A sink finds its queue by its name: so that is the same whatever its
/// place in the list, its password or its token.
std::string name_of_sink(const std::string& url) {
  constexpr std::size_t kLongestHost = 54;
  const auto shown = media::without_secrets(url);
  std::uint32_t hash = 2166136261;  // FNV-1a, which is the same everywhere
  for (const unsigned char c : shown) hash = (hash ^ c) * 16777619;
  std::array<char, 5> digits{};
  std::snprintf(digits.data(), digits.size(), "%04x",
                static_cast<unsigned>((hash ^ hash >> 16) & 0xffff));
  const auto scheme = shown.find("://");
  auto host = scheme == std::string::npos ? shown : shown.substr(scheme + 3);
  host = host.substr(0, std::min(host.find_first_of("/?#"), kLongestHost));
  for (char& c : host) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '.') c = '-';
  }
  return "http-" + host + "-" + digits.data();
}

Status name_sinks(Config& config) {
  std::set<std::string> taken{"mqtt", "json_lines", "outbox"};  // as they are shown
  auto& sinks = config.sinks.http;
  for (std::size_t i = 0; i < sinks.size(); ++i) {
    auto& name = sinks[i].name;
    if (name.empty()) name = name_of_sink(sinks[i].url);
    if (!taken.insert(name).second) {
      return wrong(config, "sinks.http[" + std::to_string(i) + "].name: '" + name +
                               "' is another sink's; expected one of its own");
    }
  }
  return {};
}

/// Paths are relative to the file's folder.
void resolve_paths(Config& config) {
  const auto folder = std::filesystem::absolute(config.path).parent_path();
  const auto resolve = [&](std::string& path) {
    if (!path.empty()) path = (folder / path).lexically_normal().string();
  };
  if (config.data.empty()) config.data = "data";
  resolve(config.data);
  for (auto* path : {&config.web.token_file, &config.web.certificate_file, &config.web.key_file}) {
    resolve(*path);
  }
  if (config.sinks.mqtt) {
    resolve(config.sinks.mqtt->password_file);
    resolve(config.sinks.mqtt->ca_file);
  }
  for (auto& sink : config.sinks.http) {
    resolve(sink.token_file);
    resolve(sink.ca_file);
  }
  if (config.sinks.json_lines) resolve(config.sinks.json_lines->path);
  for (auto& stream : config.streams) {
    const bool is_file = stream.source.find("://") == std::string::npos;
    if (is_file) resolve(stream.source);
  }
  resolve(config.detect.model);
  resolve(config.detect.names);
  resolve(config.detect.cache_dir);
  for (auto& model : config.detect.models) {
    for (auto& [setting, text] : model) {
      if (setting->key == "model" || setting->key == "names") resolve(text);
    }
  }
}

/// Where the URL ends that begins there in YAML. Without quotes, blanks may be in its password.
std::size_t end_of_url(std::string_view text, std::size_t begin) {
  const auto line_end = std::min(text.find('\n', begin), text.size());
  const char quote = begin > 0 ? text[begin - 1] : ' ';
  if (quote == '\'' || quote == '"') {
    for (auto at = begin; at < line_end; ++at) {
      const bool twice = at + 1 < line_end && text[at + 1] == quote;
      const bool escapes = quote == '"' ? text[at] == '\\' : text[at] == quote && twice;
      if (escapes) {
        ++at;
      } else if (text[at] == quote) {
        return at;
      }
    }
    return line_end;
  }
  const auto line_begin = text.rfind('\n', begin) + 1;  // of the first line: npos + 1
  const auto before = text.substr(line_begin, begin - line_begin);
  auto url = text.substr(begin, line_end - begin);
  url = url.substr(0, url.find(" #"));
  const bool in_braces = before.find_first_of("[{") != std::string_view::npos;
  if (in_braces) url = url.substr(0, url.find(", "));
  return begin + url.find_last_not_of(" \t\r,]}") + 1;
}

bool is_of_scheme(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '+' || c == '-' || c == '.';
}

}  // namespace

bool is_name(const std::string& name) {
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_';
  });
}

Result<Config> parse_config(const std::string& path, std::string text) {
  Config config;
  config.path = path;
  const auto document = OSPREY_TRY(ConfigValue::parse(path, text));
  OSPREY_TRY(read_section(document, fields_of_config(), config));
  config.text = std::move(text);
  resolve_paths(config);
  OSPREY_TRY(check(config));
  OSPREY_TRY(name_sinks(config));
  return config;
}

Result<Config> read_config(const std::string& path) {
  constexpr std::uint64_t kMost = 4 << 20;
  return parse_config(path, OSPREY_TRY(base::read_file(path, "a configuration", kMost)));
}

std::string without_secrets(const std::string& text) {
  std::string shown;
  std::size_t done = 0;
  for (auto mark = text.find("://"); mark != std::string::npos; mark = text.find("://", done)) {
    auto begin = mark;
    while (begin > done && is_of_scheme(text[begin - 1])) --begin;
    const auto end = end_of_url(text, begin);
    shown.append(text, done, begin - done);
    shown += media::without_secrets(text.substr(begin, end - begin));
    done = end;
  }
  return shown.append(text, done);
}

std::string config_schema() {
  auto schema = section_schema("What osprey serve is told.", fields_of_config());
  return R"({"$schema": "https://json-schema.org/draft/2020-12/schema", )" + schema.substr(1);
}

}  // namespace osprey::live
