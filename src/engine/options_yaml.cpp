// SPDX-License-Identifier: Apache-2.0
#include <yaml-cpp/yaml.h>

#include "base/read_file.hpp"
#include "base/try.hpp"
#include "engine/options.hpp"

namespace osprey::engine {

namespace {

Error at_line(const std::string& path, const YAML::Mark& mark, const std::string& what) {
  return {ErrorCode::kInvalidArgument, path + ":" + std::to_string(mark.line + 1) + ": " + what};
}

// A scalar as it stands, a list with commas: the form in which flags give the same value.
Result<std::string> as_text(const std::string& path, const std::string& key,
                            const YAML::Node& value) {
  if (value.IsScalar()) return value.Scalar();
  if (value.IsSequence()) {
    std::string text;
    for (const auto& item : value) {
      if (!item.IsScalar()) return at_line(path, item.Mark(), key + ": expected a list of values");
      text += (text.empty() ? "" : ",") + item.Scalar();
    }
    return text;
  }
  return at_line(path, value.Mark(), key + ": expected a value or a list of values");
}

Status read_sources(const std::string& path, const YAML::Node& value, Options& options) {
  options.sources.clear();
  if (value.IsScalar()) {
    options.sources.push_back(value.Scalar());
    return {};
  }
  constexpr auto kExpected = "source: expected a text or a list of texts";
  if (!value.IsSequence()) return at_line(path, value.Mark(), kExpected);
  for (const auto& item : value) {
    if (!item.IsScalar()) return at_line(path, item.Mark(), kExpected);
    options.sources.push_back(item.Scalar());
  }
  return {};
}

Status read_document(const std::string& path, const YAML::Node& document, Options& options) {
  if (document.IsNull()) return {};
  if (!document.IsMap()) {
    return at_line(path, document.Mark(), "expected keys and values, as in `conf: 0.25`");
  }
  for (const auto& entry : document) {
    if (!entry.first.IsScalar()) {
      return at_line(path, entry.first.Mark(), "expected keys that are texts, as in `conf: 0.25`");
    }
    const auto key = entry.first.Scalar();
    if (entry.second.IsNull()) {  // whose own mark may be the next line's
      return at_line(path, entry.first.Mark(), key + ": expected a value or a list of values");
    }
    if (key == "source") {
      OSPREY_TRY(read_sources(path, entry.second, options));
      continue;
    }
    const auto* spec = find_option(key);
    if (spec == nullptr) {
      std::vector<std::string_view> known{"source"};
      for (const auto& option : option_table()) known.push_back(option.key);
      return at_line(path, entry.first.Mark(),
                     "unknown key '" + key + "'" + suggestion(key, known));
    }
    const auto text = OSPREY_TRY(as_text(path, key, entry.second));
    if (auto status = spec->set(options, text); !status) {
      return at_line(path, entry.second.Mark(), status.error().message);
    }
  }
  return {};
}

}  // namespace

Status read_yaml(const std::string& path, Options& options) {
  const std::string text = OSPREY_TRY(base::read_file(path, "a settings file"));
  try {
    return read_document(path, YAML::Load(text), options);
  } catch (const YAML::ParserException& e) {
    return at_line(path, e.mark, e.msg);
  } catch (const std::exception& e) {
    return Error{ErrorCode::kCorrupt, path + ": not readable as YAML: " + e.what()};
  }
}

}  // namespace osprey::engine
