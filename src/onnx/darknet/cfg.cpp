// SPDX-License-Identifier: Apache-2.0
#include "onnx/darknet/cfg.hpp"

#include <charconv>
#include <cmath>
#include <optional>
#include <utility>

#include "base/try.hpp"

namespace osprey::onnx::darknet {
namespace {

/// The line as Darknet sees it: without white space; and without what follows a comment sign.
std::string stripped(std::string_view line) {
  std::string kept;
  for (const char c : line.substr(0, line.find_first_of("#;"))) {
    if (c != ' ' && c != '\t' && c != '\r' && c != '\v' && c != '\f') kept += c;
  }
  return kept;
}

template <typename T>
std::optional<T> parsed(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (!std::isfinite(static_cast<double>(value))) return std::nullopt;
  return value;
}

/// Parts between commas. A comma at the end is common in cfg files and starts no further part.
std::vector<std::string_view> parts(std::string_view text) {
  std::vector<std::string_view> found;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    found.push_back(text.substr(0, comma));
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  return found;
}

/// A line for an error message; what is no text shows as dots, as somebody may give a weights file.
std::string quoted(const std::string& line) {
  constexpr std::size_t kLongest = 60;
  std::string shown = line.substr(0, kLongest);
  for (char& c : shown) {
    if (c < ' ' || c > '~') c = '.';
  }
  return "\"" + shown + (line.size() > kLongest ? "...\"" : "\"");
}

std::string range(int lowest, int highest) {
  return "a whole number from " + std::to_string(lowest) + " to " + std::to_string(highest);
}

}  // namespace

void Section::add(const std::string& key, const std::string& value, int line) {
  values_.emplace(key, Value{value, line});
}

Error Section::error(ErrorCode code, const std::string& what, const std::string& key) const {
  const auto found = values_.find(key);
  const int line = found == values_.end() ? line_ : found->second.line;
  return {code, file_ + ":" + std::to_string(line) + ": [" + kind_ + "] " + what};
}

std::string Section::text(const std::string& key, const std::string& otherwise) const {
  const auto found = values_.find(key);
  return found == values_.end() ? otherwise : found->second.text;
}

Result<int> Section::number(const std::string& key, int otherwise, int lowest, int highest) const {
  if (!has(key)) return otherwise;
  const auto value = parsed<int>(text(key, ""));
  if (!value || *value < lowest || *value > highest) {
    return error(ErrorCode::kInvalidArgument,
                 key + "=" + text(key, "") + ": expected " + range(lowest, highest), key);
  }
  return *value;
}

Result<double> Section::real(const std::string& key, double otherwise) const {
  if (!has(key)) return otherwise;
  const auto value = parsed<double>(text(key, ""));
  if (!value) {
    return error(ErrorCode::kInvalidArgument, key + "=" + text(key, "") + ": expected a number",
                 key);
  }
  return *value;
}

Result<std::vector<double>> Section::reals(const std::string& key) const {
  std::vector<double> values;
  const std::string list = text(key, "");
  for (const auto part : parts(list)) {
    const auto value = parsed<double>(part);
    if (!value) {
      return error(ErrorCode::kInvalidArgument,
                   key + "=" + list + ": expected numbers with commas between", key);
    }
    values.push_back(*value);
  }
  return values;
}

Result<std::vector<int>> Section::numbers(const std::string& key) const {
  std::vector<int> values;
  const std::string list = text(key, "");
  for (const auto part : parts(list)) {
    const auto value = parsed<int>(part);
    if (!value) {
      return error(ErrorCode::kInvalidArgument,
                   key + "=" + list + ": expected whole numbers with commas between", key);
    }
    values.push_back(*value);
  }
  return values;
}

Result<std::vector<Section>> parse_cfg(std::string_view text, const std::string& name) {
  std::vector<Section> sections;
  int number = 0;
  const auto bad = [&](const std::string& what) {
    return Error{ErrorCode::kCorrupt, name + ":" + std::to_string(number) + ": " + what};
  };
  while (!text.empty()) {
    ++number;
    const std::size_t end = text.find('\n');
    const std::string line = stripped(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.empty()) continue;

    if (line.front() == '[') {
      if (line.back() != ']' || line.size() < 3)
        return bad("expected [section], found " + quoted(line));
      const std::string kind = line.substr(1, line.size() - 2);
      sections.emplace_back(name, kind == "network" ? "net" : kind, number);
      if (sections.size() == 1 && sections[0].kind() != "net") {
        return bad("expected [net] as the first section, found " + quoted(line));
      }
      continue;
    }
    const std::size_t equals = line.find('=');
    if (equals == std::string::npos || equals == 0) {
      return bad("expected key=value or [section], found " + quoted(line));
    }
    if (sections.empty()) return bad("expected [net] before " + quoted(line));
    sections.back().add(line.substr(0, equals), line.substr(equals + 1), number);
  }
  if (sections.empty()) return Error{ErrorCode::kCorrupt, name + ": has no [net] section"};
  return sections;
}

}  // namespace osprey::onnx::darknet
