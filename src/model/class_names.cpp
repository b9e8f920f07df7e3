// SPDX-License-Identifier: Apache-2.0
#include "model/class_names.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <limits>
#include <optional>

#include "base/read_file.hpp"
#include "base/try.hpp"

namespace osprey::model {

namespace {

// A names file of the largest data sets (LVIS, Open Images) is a few hundred kilobytes.
constexpr std::uint64_t kLargestNamesFile = 8u << 20;

// Places numbered names into a list.
class NumberedNames {
 public:
  // False: a number twice or beyond what the text could fill.
  bool add(std::size_t number, std::string name, std::size_t limit) {
    if (number >= limit) return false;
    if (number >= names_.size()) names_.resize(number + 1);
    if (names_[number]) return false;
    names_[number] = std::move(name);
    return true;
  }

  std::optional<std::vector<std::string>> take() {
    std::vector<std::string> out;
    out.reserve(names_.size());
    for (auto& name : names_) {
      if (!name) return std::nullopt;
      out.push_back(std::move(*name));
    }
    return out;
  }

 private:
  std::vector<std::optional<std::string>> names_;
};

void append_utf8(std::uint32_t code, std::string& out) {
  const auto put = [&](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | code >> 6);
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3F));
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  }
}

// A reader for the part of Python's and JSON's grammars that lists of names are written in.
class NamesReader {
 public:
  explicit NamesReader(std::string_view text) : text_(text) {}

  Result<std::vector<std::string>> read() {
    const bool mapping = accept('{');
    if (!mapping && !accept('[')) return fail("expected { or [");
    const char close = mapping ? '}' : ']';
    NumberedNames numbered;
    std::size_t count = 0;
    while (!accept(close)) {
      if (count > 0 && !accept(',')) return fail(std::string("expected , or ") + close);
      if (count > 0 && accept(close)) break;  // Python allows a comma at the end
      std::size_t number = count;
      if (mapping) {
        number = OSPREY_TRY(read_key());
        if (!accept(':')) return fail("expected :");
      }
      auto name = OSPREY_TRY(read_value());
      // Every entry takes a character at least, so no honest number exceeds the text's length.
      if (!numbered.add(number, std::move(name), text_.size())) {
        return fail("class " + std::to_string(number) + " is there twice or out of range");
      }
      ++count;
    }
    skip_space();
    if (at_ != text_.size()) return fail("expected the end");
    if (count == 0) return fail("expected a name");
    auto names = numbered.take();
    if (!names) return fail("expected classes numbered from 0 without gaps");
    return std::move(*names);
  }

 private:
  Error fail(const std::string& what) const {
    return {ErrorCode::kCorrupt, what + " at character " + std::to_string(at_ + 1)};
  }

  void skip_space() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) < 4) ++at_;
  }

  bool accept(char wanted) {
    skip_space();
    if (at_ >= text_.size() || text_[at_] != wanted) return false;
    ++at_;
    return true;
  }

  bool at_quote() {
    skip_space();
    return at_ < text_.size() && (text_[at_] == '\'' || text_[at_] == '"');
  }

  Result<std::size_t> read_key() {
    const std::string digits = at_quote() ? OSPREY_TRY(read_string()) : read_word();
    const bool number = !digits.empty() && digits.size() <= 9 &&
                        digits.find_first_not_of("0123456789") == std::string::npos;
    if (!number) return fail("expected a class number");
    return static_cast<std::size_t>(std::stoul(digits));
  }

  // YAML turns names such as 8 or yes into numbers and truth values, which Python writes bare.
  Result<std::string> read_value() {
    if (at_quote()) return read_string();
    auto word = read_word();
    if (word.empty()) return fail("expected a name in quotes");
    return word;
  }

  std::string read_word() {
    skip_space();
    const auto start = at_;
    const auto is_word = [](char c) {
      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
             c == '_' || c == '.' || c == '-' || c == '+';
    };
    while (at_ < text_.size() && is_word(text_[at_])) ++at_;
    return std::string(text_.substr(start, at_ - start));
  }

  Result<std::string> read_string() {
    const char quote = text_[at_++];
    std::string out;
    while (true) {
      if (at_ >= text_.size()) return fail("a quoted name does not end");
      const char c = text_[at_++];
      if (c == quote) return out;
      if (c != '\\') {
        out.push_back(c);
      } else {
        OSPREY_TRY(read_escape(out));
      }
    }
  }

  Status read_escape(std::string& out) {
    if (at_ >= text_.size()) return fail("a quoted name does not end");
    const char c = text_[at_++];
    static constexpr std::string_view kLetters = "abfnrtv";
    static constexpr std::string_view kMeanings = "\a\b\f\n\r\t\v";
    if (const auto i = kLetters.find(c); i != std::string_view::npos) {
      out.push_back(kMeanings[i]);
    } else if (c == '\\' || c == '\'' || c == '"' || c == '/') {
      out.push_back(c);
    } else if (c == 'x') {
      append_utf8(OSPREY_TRY(read_hex(2)), out);
    } else if (c == 'u') {
      append_utf8(OSPREY_TRY(read_utf16()), out);
    } else if (c == 'U') {
      append_utf8(OSPREY_TRY(read_code_point(8)), out);
    } else {
      return fail("unknown escape");
    }
    return {};
  }

  Result<std::uint32_t> read_hex(std::size_t digits) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < digits; ++i, ++at_) {
      const char c = at_ < text_.size() ? text_[at_] : '?';
      const int digit = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      if (digit < 0) return fail("expected a hexadecimal digit");
      value = value << 4 | static_cast<std::uint32_t>(digit);
    }
    return value;
  }

  Result<std::uint32_t> read_code_point(std::size_t digits) {
    const auto code = OSPREY_TRY(read_hex(digits));
    if (code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return fail("not a character");
    return code;
  }

  // JSON writes characters beyond 0xFFFF as two halves.
  Result<std::uint32_t> read_utf16() {
    const auto first = at_;
    const auto high = OSPREY_TRY(read_hex(4));
    if (high < 0xD800 || high > 0xDBFF || text_.substr(at_, 2) != "\\u") {
      at_ = first;
      return read_code_point(4);
    }
    at_ += 2;
    const auto low = OSPREY_TRY(read_hex(4));
    if (low < 0xDC00 || low > 0xDFFF) return fail("not a character");
    return 0x10000 + ((high - 0xD800) << 10 | (low - 0xDC00));
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

Result<std::vector<std::string>> names_of_lines(const std::string& text, const std::string& path) {
  std::vector<std::string> names;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    auto line = text.substr(at, end - at);
    const auto first = line.find_first_not_of(" \t\r");
    const auto last = line.find_last_not_of(" \t\r");
    names.push_back(first == std::string::npos ? "" : line.substr(first, last - first + 1));
    at = end + 1;
  }
  while (!names.empty() && names.back().empty()) names.pop_back();
  if (names.empty()) return Error{ErrorCode::kCorrupt, path + ": has no names"};
  if (const auto blank = std::find(names.begin(), names.end(), ""); blank != names.end()) {
    return Error{ErrorCode::kCorrupt, path + ": line " + std::to_string(blank - names.begin() + 1) +
                                          " is blank; expected a class name"};
  }
  return names;
}

// Throws what yaml-cpp throws.
Result<std::vector<std::string>> names_of_yaml(const std::string& text, const std::string& path) {
  const auto root = YAML::Load(text);
  const auto node = root.IsMap() && root["names"] ? root["names"] : root;
  std::vector<std::string> names;
  if (node.IsSequence()) {
    for (const auto& item : node) names.push_back(item.as<std::string>());
  } else if (node.IsMap()) {
    NumberedNames numbered;
    for (const auto& item : node) {
      const auto number = item.first.as<std::size_t>();
      if (!numbered.add(number, item.second.as<std::string>(), text.size())) {
        return Error{ErrorCode::kCorrupt, path + ": names: class " + std::to_string(number) +
                                              " is there twice or out of range"};
      }
    }
    auto all = numbered.take();
    if (!all) {
      return Error{ErrorCode::kCorrupt,
                   path + ": names: expected classes numbered from 0 without gaps"};
    }
    names = std::move(*all);
  }
  if (names.empty()) {
    return Error{ErrorCode::kCorrupt, path + ": expected a list or mapping of class names"};
  }
  return names;
}

}  // namespace

const std::vector<std::string>& coco80_names() {
  static const std::vector<std::string> names = {"person",        "bicycle",      "car",
                                                 "motorcycle",    "airplane",     "bus",
                                                 "train",         "truck",        "boat",
                                                 "traffic light", "fire hydrant", "stop sign",
                                                 "parking meter", "bench",        "bird",
                                                 "cat",           "dog",          "horse",
                                                 "sheep",         "cow",          "elephant",
                                                 "bear",          "zebra",        "giraffe",
                                                 "backpack",      "umbrella",     "handbag",
                                                 "tie",           "suitcase",     "frisbee",
                                                 "skis",          "snowboard",    "sports ball",
                                                 "kite",          "baseball bat", "baseball glove",
                                                 "skateboard",    "surfboard",    "tennis racket",
                                                 "bottle",        "wine glass",   "cup",
                                                 "fork",          "knife",        "spoon",
                                                 "bowl",          "banana",       "apple",
                                                 "sandwich",      "orange",       "broccoli",
                                                 "carrot",        "hot dog",      "pizza",
                                                 "donut",         "cake",         "chair",
                                                 "couch",         "potted plant", "bed",
                                                 "dining table",  "toilet",       "tv",
                                                 "laptop",        "mouse",        "remote",
                                                 "keyboard",      "cell phone",   "microwave",
                                                 "oven",          "toaster",      "sink",
                                                 "refrigerator",  "book",         "clock",
                                                 "vase",          "scissors",     "teddy bear",
                                                 "hair drier",    "toothbrush"};
  return names;
}

int coco91_id(int label_id) {
  static constexpr std::array<int, 80> kIds = {
      1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 13, 14, 15, 16, 17, 18, 19, 20, 21,
      22, 23, 24, 25, 27, 28, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44,
      46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63, 64, 65,
      67, 70, 72, 73, 74, 75, 76, 77, 78, 79, 80, 81, 82, 84, 85, 86, 87, 88, 89, 90};
  if (label_id < 0 || label_id >= static_cast<int>(kIds.size())) return 0;
  return kIds[static_cast<std::size_t>(label_id)];
}

Result<std::vector<std::string>> parse_names(std::string_view text) {
  return NamesReader(text).read();
}

Result<std::vector<std::string>> read_names_file(const std::string& path) {
  auto text = OSPREY_TRY(base::read_file(path, "a names file", kLargestNamesFile));
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
  const auto extension = std::filesystem::path(path).extension();
  if (extension != ".yaml" && extension != ".yml" && extension != ".json") {
    return names_of_lines(text, path);
  }
  try {
    return names_of_yaml(text, path);
  } catch (const YAML::Exception& error) {
    return Error{ErrorCode::kCorrupt, path + ": " + error.what()};
  }
}

}  // namespace osprey::model
