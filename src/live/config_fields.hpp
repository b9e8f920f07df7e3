// SPDX-License-Identifier: Apache-2.0
// Tables of what a configuration may say: one for reading, checking and the published schema.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/try.hpp"
#include "live/config_value.hpp"

namespace osprey::live {

/// A key of a section that is read into a T.
template <typename T>
struct Field {
  std::string_view key;
  bool required;
  std::string schema;  ///< JSON Schema of the value, with its description
  std::function<Status(T&, const ConfigValue&)> set;
};

template <typename T>
using Fields = std::vector<Field<T>>;

/// A JSON Schema: `{"type": <type>, <more>, "description": <help>}`.
std::string schema_of(std::string_view type, std::string_view help, const std::string& more = "");
/// That of an object: keys and their schemas, which of them must be there.
std::string schema_of_section(std::string_view help,
                              const std::vector<std::pair<std::string_view, std::string>>& keys,
                              const std::vector<std::string_view>& required);
/// "expected a, b or c" as an error of `value`, if it is none of them; as a schema's "enum".
Status check_choice(const ConfigValue& value, const std::string& text,
                    const std::vector<std::string_view>& choices);
std::string schema_of_choices(const std::vector<std::string_view>& choices);
/// "unknown key; did you mean ...?"
Error unknown_key(const ConfigValue& value, const std::string& key,
                  const std::vector<std::string_view>& known);

template <typename T>
Status read_section(const ConfigValue& value, const Fields<T>& fields, T& into) {
  std::vector<std::string_view> known, given;
  for (const auto& field : fields) known.push_back(field.key);
  const auto entries = OSPREY_TRY(value.entries());
  for (const auto& entry : entries) {
    const Field<T>* found = nullptr;
    for (const auto& field : fields) {
      if (field.key == entry.first) found = &field;
    }
    if (found == nullptr) return unknown_key(entry.second, entry.first, known);
    OSPREY_TRY(found->set(into, entry.second));
    given.push_back(found->key);
  }
  for (const auto& field : fields) {
    bool there = !field.required;
    for (const auto key : given) there = there || key == field.key;
    if (!there) return value.error("expected a key '" + std::string(field.key) + "'");
  }
  return {};
}

template <typename T>
std::string section_schema(std::string_view help, const Fields<T>& fields) {
  std::vector<std::pair<std::string_view, std::string>> keys;
  std::vector<std::string_view> required;
  for (const auto& field : fields) {
    keys.emplace_back(field.key, field.schema);
    if (field.required) required.push_back(field.key);
  }
  return schema_of_section(help, keys, required);
}

enum class Need : bool { kOptional, kRequired };

template <typename T>
Field<T> text_field(std::string_view key, std::string_view help, std::string T::*member,
                    Need need = Need::kOptional) {
  return {key, need == Need::kRequired, schema_of("string", help),
          [member](T& into, const ConfigValue& value) -> Status {
            into.*member = OSPREY_TRY(value.text());
            if ((into.*member).empty()) return value.error("expected a text that is not empty");
            return {};
          }};
}

template <typename T>
Field<T> choice_field(std::string_view key, std::string_view help,
                      std::vector<std::string_view> choices, std::string T::*member) {
  auto schema = schema_of("string", help, schema_of_choices(choices));
  return {key, false, std::move(schema),
          [member, choices = std::move(choices)](T& into, const ConfigValue& value) -> Status {
            into.*member = OSPREY_TRY(value.text());
            return check_choice(value, into.*member, choices);
          }};
}

template <typename T, typename Number>
Field<T> number_field(std::string_view key, std::string_view help, double least, double most,
                      Number T::*member) {
  constexpr bool kWhole = std::is_integral_v<Number>;
  const auto range =
      "\"minimum\": " + std::to_string(least) + ", \"maximum\": " + std::to_string(most);
  return {key, false, schema_of(kWhole ? "integer" : "number", help, range),
          [=](T& into, const ConfigValue& value) -> Status {
            const double number = OSPREY_TRY(value.number(least, most));
            into.*member = static_cast<Number>(number);
            if (static_cast<double>(into.*member) != number && kWhole) {
              return value.error("expected a whole number");
            }
            return {};
          }};
}

template <typename T>
Field<T> flag_field(std::string_view key, std::string_view help, bool T::*member) {
  return {key, false, schema_of("boolean", help),
          [member](T& into, const ConfigValue& value) -> Status {
            into.*member = OSPREY_TRY(value.flag());
            return {};
          }};
}

/// A text alone is a list of one.
template <typename T>
Field<T> texts_field(std::string_view key, std::string_view help,
                     std::vector<std::string> T::*member) {
  return {key, false, schema_of("array", help, R"("items": {"type": "string"})"),
          [member](T& into, const ConfigValue& value) -> Status {
            (into.*member).clear();
            if (!value.is_list()) {
              (into.*member).push_back(OSPREY_TRY(value.text()));
              return {};
            }
            const auto items = OSPREY_TRY(value.items());
            for (const auto& item : items) (into.*member).push_back(OSPREY_TRY(item.text()));
            return {};
          }};
}

template <typename T, typename Section>
Field<T> section_field(std::string_view key, std::string_view help, const Fields<Section>& fields,
                       Section T::*member) {
  return {key, false, section_schema(help, fields),
          [&fields, member](T& into, const ConfigValue& value) {
            return read_section(value, fields, into.*member);
          }};
}

/// Absent: empty.
template <typename T, typename Section>
Field<T> section_field(std::string_view key, std::string_view help, const Fields<Section>& fields,
                       std::optional<Section> T::*member) {
  return {key, false, section_schema(help, fields),
          [&fields, member](T& into, const ConfigValue& value) {
            return read_section(value, fields, (into.*member).emplace());
          }};
}

template <typename T, typename Section>
Field<T> sections_field(std::string_view key, std::string_view help, const Fields<Section>& fields,
                        std::vector<Section> T::*member, Need need = Need::kOptional) {
  return {key, need == Need::kRequired,
          schema_of("array", help, "\"items\": " + section_schema("", fields)),
          [&fields, member](T& into, const ConfigValue& value) -> Status {
            (into.*member).clear();
            const auto items = OSPREY_TRY(value.items());
            for (const auto& item : items) {
              OSPREY_TRY(read_section(item, fields, (into.*member).emplace_back()));
            }
            return {};
          }};
}

}  // namespace osprey::live
