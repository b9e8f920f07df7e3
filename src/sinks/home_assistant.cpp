// SPDX-License-Identifier: Apache-2.0
#include "sinks/home_assistant.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cctype>
#include <utility>

#include "sinks/json_text.hpp"

namespace osprey::sinks {

namespace {

using OrderedJson = nlohmann::ordered_json;

/// A level of a topic: without what has a meaning in topics, in valid UTF-8.
std::string level(const std::string& name) {
  std::string text;
  append_json_string(text, name);  // which makes it valid
  text = OrderedJson::parse(text).get<std::string>();
  for (char& c : text) {
    const auto byte = static_cast<unsigned char>(c);  // char has no sign on ARM
    if (c == '/' || c == '+' || c == '#' || byte < 0x20 || byte == 0x7f) c = '_';
  }
  return text.empty() ? "_" : text;
}

/// What Home Assistant takes for an id. Different names have different ids, mostly.
std::string id(const std::string& name) {
  std::string text;
  for (const char c : name) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-';
    text += plain ? c : '_';
  }
  return text;
}

/// For a template: 'text', with what would end it taken away.
std::string template_text(const std::string& name) {
  std::string text = "'";
  for (const char c : level(name)) {
    if (c == '\'' || c == '\\') text += '\\';
    text += c;
  }
  return text + '\'';
}

std::string device_of(const std::string& prefix, const std::string& stream) {
  return id(prefix) + "_" + id(stream);
}

class Discovery {
 public:
  Discovery(std::string discovery, std::string prefix)
      : discovery_(std::move(discovery)), prefix_(std::move(prefix)) {}

  void add(const MqttStream& stream) {
    stream_ = &stream;
    OrderedJson fps = stat("fps");
    fps["unit_of_measurement"] = "fps";
    add("sensor", "fps", "frames a second", std::move(fps));
    OrderedJson age = stat("age");
    age["unit_of_measurement"] = "s";
    age["device_class"] = "duration";
    add("sensor", "age", "age of results", std::move(age));
    for (const auto& label : stream.labels) {
      add_count("", label);
      for (const auto& zone : stream.zones) add_count(zone, label);
    }
  }

  std::map<std::string, std::string> take() { return std::move(messages_); }

 private:
  OrderedJson stat(const char* key) const {
    OrderedJson sensor;
    sensor["state_topic"] = prefix_ + "/stats";
    sensor["value_template"] =
        "{{ value_json.streams[" + template_text(stream_->name) + "]." + key + " | round(2) }}";
    sensor["state_class"] = "measurement";
    return sensor;
  }

  void add_count(const std::string& zone, const std::string& label) {
    const std::string topic = count_topic(prefix_, stream_->name, zone, label);
    const std::string place = zone.empty() ? "" : zone + " ";
    const std::string where = (zone.empty() ? "" : id(zone) + "_") + id(label);
    OrderedJson count;
    count["state_topic"] = topic;
    count["state_class"] = "measurement";
    add("sensor", where + "_count", place + label + " count", std::move(count));
    OrderedJson occupancy;
    occupancy["state_topic"] = topic;
    occupancy["value_template"] = "{{ 'ON' if value | int(0) > 0 else 'OFF' }}";
    occupancy["device_class"] = "occupancy";
    add("binary_sensor", where + "_occupancy", place + label + " occupancy", std::move(occupancy));
  }

  void add(const char* kind, const std::string& what, const std::string& name,
           OrderedJson message) {
    const std::string device = device_of(prefix_, stream_->name);
    const std::string unique = device + "_" + what;
    message["name"] = name;
    message["unique_id"] = unique;
    message["object_id"] = unique;
    message["availability_topic"] = prefix_ + "/available";
    message["device"] = {{"identifiers", OrderedJson::array({device})},
                         {"name", stream_->name},
                         {"manufacturer", "Osprey"},
                         {"model", "detector"}};
    messages_[discovery_ + "/" + kind + "/" + device + "/" + what + "/config"] =
        message.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
  }

  const std::string discovery_, prefix_;
  const MqttStream* stream_ = nullptr;
  std::map<std::string, std::string> messages_;
};

}  // namespace

std::string count_topic(const std::string& prefix, const std::string& camera,
                        const std::string& zone, const std::string& label) {
  return prefix + "/" + level(camera) + "/" + (zone.empty() ? "" : level(zone) + "/") +
         level(label);
}

std::string stats_json(double uptime, const std::vector<MqttStreamStats>& streams) {
  OrderedJson json;
  json["uptime"] = uptime;
  json["streams"] = OrderedJson::object();
  for (const auto& stream : streams) {
    json["streams"][level(stream.name)] = {{"state", stream.state},
                                           {"fps", stream.fps},
                                           {"age", stream.age},
                                           {"captured", stream.captured},
                                           {"delivered", stream.delivered},
                                           {"dropped", stream.dropped},
                                           {"diagnosis", stream.diagnosis}};
  }
  return json.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
}

std::map<std::string, std::string> discovery_messages(const std::string& discovery,
                                                      const std::string& prefix,
                                                      const std::vector<MqttStream>& streams) {
  Discovery all(discovery, prefix);
  for (const auto& stream : streams) all.add(stream);
  return all.take();
}

FoundMessage read_discovery(std::string_view message, const std::string& prefix,
                            const std::vector<MqttStream>& streams) {
  const auto json = OrderedJson::parse(message, nullptr, false);
  const auto text = [&](const char* pointer) -> std::string {
    const OrderedJson::json_pointer place(pointer);
    if (!json.contains(place) || !json[place].is_string()) return {};
    return json[place].get<std::string>();
  };
  FoundMessage found;
  found.ours = text("/availability_topic") == prefix + "/available" &&
               text("/device/manufacturer") == "Osprey";
  if (!found.ours) return found;
  const auto device = text("/device/identifiers/0");
  found.gone = std::none_of(streams.begin(), streams.end(), [&](const auto& stream) {
    return device == device_of(prefix, stream.name);
  });
  const auto topic = text("/state_topic");
  if (topic.starts_with(prefix + "/") && topic != prefix + "/stats") found.count_topic = topic;
  return found;
}

}  // namespace osprey::sinks
