// SPDX-License-Identifier: Apache-2.0
// Any bytes as the configuration of `osprey serve`: read, or refused with an error that names the
// file. What is read can be told without its secrets; zones saved into it are read back, and
// nothing else has changed.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "live/config.hpp"

namespace {

using namespace osprey;

const std::string kPath = "/etc/osprey.yaml";

void require(bool holds) {
  if (!holds) std::abort();
}

void must_name_file(const Error& error) {
  require(error.message.find(kPath) != std::string::npos);
}

void save_zones(const live::Config& config) {
  const std::vector<live::ShapeConfig> zones{
      {"porch", {{0, 0}, {0.5, 0}, {0.5, 1}}, {"person", "a: b # c"}}};
  const std::vector<live::ShapeConfig> lines{{"gate", {{0, 0.25}, {1, 0.25}}, {}}};
  for (std::size_t i = 0; i < config.streams.size(); ++i) {
    auto expected = config.streams;
    const auto text = live::with_shapes(config, expected[i].name, zones, lines);
    if (!text) {
      must_name_file(text.error());
      continue;
    }
    const auto again = live::parse_config(kPath, *text);
    require(again.ok());
    expected[i].zones = zones;
    expected[i].lines = lines;
    require(again->streams == expected && again->detect_text == config.detect_text);
    require(again->sinks == config.sinks && again->storage == config.storage);
    require(again->web == config.web && again->data == config.data);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto config = live::parse_config(kPath, {reinterpret_cast<const char*>(data), size});
  if (!config) {
    must_name_file(config.error());
    return 0;
  }
  (void)live::without_secrets(config->text);
  save_zones(*config);
  return 0;
}
