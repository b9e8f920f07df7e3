// SPDX-License-Identifier: Apache-2.0
#include "live/config_fields.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/options.hpp"

namespace osprey::live {

namespace {

std::string quoted(std::string_view text) {
  return nlohmann::json(std::string(text)).dump();
}

}  // namespace

std::string schema_of(std::string_view type, std::string_view help, const std::string& more) {
  std::string schema = R"({"type": )" + quoted(type);
  if (!more.empty()) schema += ", " + more;
  if (!help.empty()) schema += R"(, "description": )" + quoted(help);
  return schema + "}";
}

std::string schema_of_section(std::string_view help,
                              const std::vector<std::pair<std::string_view, std::string>>& keys,
                              const std::vector<std::string_view>& required) {
  std::string more = R"("additionalProperties": false, "properties": {)";
  for (std::size_t i = 0; i < keys.size(); ++i) {
    more += (i > 0 ? ", " : "") + quoted(keys[i].first) + ": " + keys[i].second;
  }
  more += "}";
  if (!required.empty()) {
    more += R"(, "required": [)";
    for (std::size_t i = 0; i < required.size(); ++i) {
      more += (i > 0 ? ", " : "") + quoted(required[i]);
    }
    more += "]";
  }
  return schema_of("object", help, more);
}

Status check_choice(const ConfigValue& value, const std::string& text,
                    const std::vector<std::string_view>& choices) {
  if (std::find(choices.begin(), choices.end(), text) != choices.end()) return {};
  std::string expected = "expected ";
  for (std::size_t i = 0; i < choices.size(); ++i) {
    if (i > 0) expected += i + 1 < choices.size() ? ", " : " or ";
    expected += choices[i];
  }
  return value.error(expected);
}

std::string schema_of_choices(const std::vector<std::string_view>& choices) {
  std::string schema = R"("enum": [)";
  for (std::size_t i = 0; i < choices.size(); ++i)
    schema += (i > 0 ? ", " : "") + quoted(choices[i]);
  return schema + "]";
}

Error unknown_key(const ConfigValue& value, const std::string& key,
                  const std::vector<std::string_view>& known) {
  return value.error("unknown key" + engine::suggestion(key, known));
}

}  // namespace osprey::live
