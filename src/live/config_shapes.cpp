// SPDX-License-Identifier: Apache-2.0
// Zones and lines put into a configuration's text, where all else is kept to the byte.
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <sstream>

#include "base/try.hpp"
#include "live/config.hpp"

namespace osprey::live {

namespace {

std::string digits_of(double value) {
  char digits[32];
  // Four decimals are less than a pixel of an 8K picture.
  return {digits,
          std::to_chars(digits, digits + sizeof digits, value, std::chars_format::fixed, 4).ptr};
}

std::string quoted(const std::string& text) {
  YAML::Emitter out;
  out << YAML::DoubleQuoted << text;
  return out.c_str();
}

std::string as_yaml(const std::string& key, const std::vector<ShapeConfig>& shapes,
                    const std::string& indent) {
  if (shapes.empty()) return {};
  std::string text = indent + key + ":\n";
  for (const auto& shape : shapes) {
    text += indent + "  - name: " + quoted(shape.name) + "\n" + indent + "    points: [";
    for (std::size_t i = 0; i < shape.points.size(); ++i) {
      text += (i > 0 ? ", [" : "[") + digits_of(shape.points[i][0]) + ", " +
              digits_of(shape.points[i][1]) + "]";
    }
    text += "]\n";
    if (shape.classes.empty()) continue;
    text += indent + "    classes: [";
    for (std::size_t i = 0; i < shape.classes.size(); ++i) {
      text += (i > 0 ? ", " : "") + quoted(shape.classes[i]);
    }
    text += "]\n";
  }
  return text;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

/// The line behind the last one of a value whose key is in `column` of line `key`.
std::size_t end_of(const std::vector<std::string>& lines, std::size_t key, std::size_t column) {
  std::size_t end = key + 1;
  for (std::size_t i = key + 1; i < lines.size(); ++i) {
    const auto begin = lines[i].find_first_not_of(" \r");
    if (begin == std::string::npos || lines[i][begin] == '#') continue;  // whose it is, is open
    const bool item = lines[i][begin] == '-' && begin == column;
    if (begin <= column && !item) break;
    end = i + 1;
  }
  return end;
}

/// Of what others send: in the file's texts ${NAME} stands for a variable of the environment, whose
/// value they would read in an error.
Status check_texts(const std::string& path, const std::vector<ShapeConfig>& shapes) {
  for (const auto& shape : shapes) {
    const auto of = path + ": '" + shape.name + "': expected ";
    if (!is_name(shape.name)) {
      return Error{ErrorCode::kInvalidArgument,
                   of + "a name of letters, digits, - and _, at most 64"};
    }
    for (const auto& label : shape.classes) {
      if (label.find('$') != std::string::npos) {
        return Error{ErrorCode::kInvalidArgument, of + "classes without $"};
      }
    }
  }
  return {};
}

/// Points are kept to four decimals.
bool same_shapes(const std::vector<ShapeConfig>& a, const std::vector<ShapeConfig>& b) {
  return as_yaml("-", a, "") == as_yaml("-", b, "");
}

}  // namespace

Result<std::string> with_shapes(const Config& config, const std::string& stream,
                                const std::vector<ShapeConfig>& zones,
                                const std::vector<ShapeConfig>& lines) {
  OSPREY_TRY(check_texts(config.path, zones));
  OSPREY_TRY(check_texts(config.path, lines));
  const Error cannot{ErrorCode::kUnsupported,
                     config.path +
                         ": zones can only be saved where streams are written in block "
                         "style, a key a line; edit the file by hand"};
  std::string text;
  try {
    const auto document = YAML::Load(config.text);
    YAML::Node found;
    for (const auto& entry : document["streams"]) {
      if (entry["name"] && entry["name"].Scalar() == stream) found.reset(entry);
    }
    if (!found.IsDefined() || !found.IsMap()) {
      return Error{ErrorCode::kNotFound, config.path + ": no stream '" + stream + "'"};
    }
    if (found.Style() == YAML::EmitterStyle::Flow) return cannot;
    auto file = lines_of(config.text);
    std::size_t column = 0, last = 0;
    std::vector<std::pair<std::size_t, std::size_t>> taken;  // lines of the old shapes
    for (const auto& entry : found) {
      const auto mark = entry.first.Mark();
      column = static_cast<std::size_t>(mark.column);
      const auto begin = static_cast<std::size_t>(mark.line), end = end_of(file, begin, column);
      const auto& key = entry.first.Scalar();
      if (key == "zones" || key == "lines") {
        // "- zones:" would take the item's dash along.
        if (file[begin].find_first_not_of(' ') != column) return cannot;
        taken.emplace_back(begin, end);
      }
      last = std::max(last, end);
    }
    const std::string indent(column, ' ');
    for (std::size_t i = 0; i < file.size(); ++i) {
      const bool old = std::any_of(taken.begin(), taken.end(), [&](const auto& part) {
        return i >= part.first && i < part.second;
      });
      if (!old) text += file[i] + "\n";
      if (i + 1 == last) text += as_yaml("zones", zones, indent) + as_yaml("lines", lines, indent);
    }
  } catch (const YAML::Exception&) {
    return cannot;
  }
  // Whatever the style: what was written is what was meant, and nothing else changed.
  const auto changed = parse_config(config.path, text);
  if (!changed) return changed.error();
  auto expected = config.streams;
  bool same = changed->streams.size() == expected.size() &&
              changed->detect_text == config.detect_text && changed->sinks == config.sinks &&
              changed->web == config.web;
  for (std::size_t i = 0; same && i < expected.size(); ++i) {
    auto made = changed->streams[i];
    if (made.name == stream) {
      same = same_shapes(made.zones, zones) && same_shapes(made.lines, lines);
      made.zones = expected[i].zones;
      made.lines = expected[i].lines;
    }
    same = same && made == expected[i];
  }
  if (!same) return cannot;
  return text;
}

}  // namespace osprey::live
