// SPDX-License-Identifier: Apache-2.0
// What MQTT's topics are called and what is in them, besides events.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "sinks/mqtt_sender.hpp"

namespace osprey::sinks {

/// "<prefix>/<camera>/<label>" or, if `zone` is not empty, "<prefix>/<camera>/<zone>/<label>".
std::string count_topic(const std::string& prefix, const std::string& camera,
                        const std::string& zone, const std::string& label);

std::string stats_json(double uptime, const std::vector<MqttStreamStats>& streams);

/// Home Assistant's discovery messages by topic: a device for each stream, with sensors for frames
/// a second and age, and for each label, and label in a zone, a count and an occupancy.
std::map<std::string, std::string> discovery_messages(const std::string& discovery,
                                                      const std::string& prefix,
                                                      const std::vector<MqttStream>& streams);

/// Whether `message`, found at a broker, is a discovery message of a service of this prefix, for a
/// stream that is none of `streams`.
bool is_of_gone_stream(std::string_view message, const std::string& prefix,
                       const std::vector<MqttStream>& streams);

}  // namespace osprey::sinks
