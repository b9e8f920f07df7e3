// SPDX-License-Identifier: Apache-2.0
// A value in a configuration file, that knows where it stands.
#pragma once

#include <osprey/result.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace YAML {  // NOLINT(readability-identifier-naming): theirs
class Node;
}

namespace osprey::live {

/// Errors name file, line and key: "osprey.yaml:12: streams[0].source: expected ...". Cost: small.
class ConfigValue {
 public:
  /// The document in `text`. Errors: no YAML.
  static Result<ConfigValue> parse(const std::string& path, const std::string& text);

  Error error(std::string_view what) const;
  const YAML::Node& node() const { return *node_; }
  const std::string& path() const { return path_; }

  bool is_list() const;
  std::string dump() const;  ///< as YAML

  /// A map's keys, each once, and values. Errors: no map; a key that is no text or comes twice.
  Result<std::vector<std::pair<std::string, ConfigValue>>> entries() const;
  Result<std::vector<ConfigValue>> items() const;

  /// "${NAME}" in it stands for an environment variable. Errors: there is none of that name.
  Result<std::string> text() const;
  Result<double> number(double least, double most) const;
  Result<bool> flag() const;

 private:
  ConfigValue(std::string path, std::string key, std::shared_ptr<const YAML::Node> node, int line)
      : path_(std::move(path)), key_(std::move(key)), node_(std::move(node)), line_(line) {}

  ConfigValue child(std::string key, const YAML::Node& node, int line) const;

  std::string path_;
  std::string key_;  ///< "streams[0].source"; empty: the document
  std::shared_ptr<const YAML::Node> node_;
  int line_;
};

}  // namespace osprey::live
