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

/// A discovery message that was found at a broker.
struct FoundMessage {
  bool ours = false;        ///< of a service of this prefix
  bool gone = false;        ///< its stream is none of `streams`
  std::string count_topic;  ///< of the count it tells of; empty: of none
};
FoundMessage read_discovery(std::string_view message, const std::string& prefix,
                            const std::vector<MqttStream>& streams);

}  // namespace osprey::sinks
