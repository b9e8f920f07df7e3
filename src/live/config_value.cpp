// SPDX-License-Identifier: Apache-2.0
#include "live/config_value.hpp"

#include <yaml-cpp/yaml.h>

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <set>

#include "base/try.hpp"

namespace osprey::live {

namespace {

std::string shortest(double value) {
  char digits[32];
  return {digits,
          std::to_chars(digits, digits + sizeof digits, value, std::chars_format::fixed).ptr};
}

int line_of(const YAML::Mark& mark) {
  return mark.line + 1;
}

}  // namespace

Result<ConfigValue> ConfigValue::parse(const std::string& path, const std::string& text) {
  try {
    return ConfigValue(path, "", std::make_shared<YAML::Node>(YAML::Load(text)), 1);
  } catch (const YAML::ParserException& e) {
    return Error{ErrorCode::kInvalidArgument,
                 path + ":" + std::to_string(line_of(e.mark)) + ": " + e.msg};
  } catch (const std::exception& e) {
    return Error{ErrorCode::kCorrupt, path + ": not readable as YAML: " + e.what()};
  }
}

Error ConfigValue::error(std::string_view what) const {
  return {ErrorCode::kInvalidArgument, path_ + ":" + std::to_string(line_) + ": " + key_ +
                                           (key_.empty() ? "" : ": ") + std::string(what)};
}

ConfigValue ConfigValue::child(std::string key, const YAML::Node& node, int line) const {
  return {path_, std::move(key), std::make_shared<YAML::Node>(node), line};
}

bool ConfigValue::is_list() const {
  return node_->IsSequence();
}

std::string ConfigValue::dump() const {
  return YAML::Dump(*node_);
}

Result<std::vector<std::pair<std::string, ConfigValue>>> ConfigValue::entries() const {
  std::vector<std::pair<std::string, ConfigValue>> entries;
  if (!node_->IsMap()) return error("expected keys and values, as in `name: door`");
  std::set<std::string> seen;
  for (const auto& entry : *node_) {
    // An empty value's own mark may be the next line's.
    const int line = line_of(entry.first.Mark());
    if (!entry.first.IsScalar()) return error("expected keys that are texts");
    const auto& name = entry.first.Scalar();
    auto value = child(key_ + (key_.empty() ? "" : ".") + name, entry.second, line);
    if (!seen.insert(name).second) return value.error("is there twice");
    if (entry.second.IsNull()) return value.error("expected a value");
    entries.emplace_back(name, std::move(value));
  }
  return entries;
}

Result<std::vector<ConfigValue>> ConfigValue::items() const {
  if (!node_->IsSequence()) return error("expected a list");
  std::vector<ConfigValue> items;
  for (const auto& item : *node_) {
    items.push_back(
        child(key_ + "[" + std::to_string(items.size()) + "]", item, line_of(item.Mark())));
  }
  return items;
}

Result<std::string> ConfigValue::text() const {
  if (!node_->IsScalar()) return error("expected a text");
  const std::string& raw = node_->Scalar();
  std::string text;
  std::size_t at = 0;
  for (;;) {
    const auto begin = raw.find("${", at);
    text += raw.substr(at, begin == std::string::npos ? begin : begin - at);
    if (begin == std::string::npos) return text;
    const auto end = raw.find('}', begin);
    if (end == std::string::npos) return error("expected } behind ${");
    const auto name = raw.substr(begin + 2, end - begin - 2);
    const char* value = std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe): nobody sets
    if (value == nullptr) return error("the environment has no variable " + name);
    text += value;
    at = end + 1;
  }
}

Result<double> ConfigValue::number(double least, double most) const {
  const auto expected = [&] {
    return error("expected a number from " + shortest(least) + " to " + shortest(most));
  };
  if (!node_->IsScalar()) return expected();
  const auto text = OSPREY_TRY(this->text());
  double value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size() || !std::isfinite(value) ||
      value < least || value > most) {
    return expected();
  }
  return value;
}

Result<bool> ConfigValue::flag() const {
  bool value = false;
  if (!node_->IsScalar() || !YAML::convert<bool>::decode(*node_, value)) {
    return error("expected true or false");
  }
  return value;
}

}  // namespace osprey::live
