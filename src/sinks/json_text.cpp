// SPDX-License-Identifier: Apache-2.0
#include "sinks/json_text.hpp"

#include <cmath>
#include <cstddef>

namespace osprey::sinks {

namespace {

struct Utf8Part {
  std::size_t bytes = 1;
  bool whole = false;
};

/// The longest prefix of `text` (not empty) that is a character or could begin one; table 3-7 of
/// the Unicode standard, which leaves out overlong forms, surrogates and what is above U+10FFFF.
Utf8Part next_part(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {1, true};
  if (lead < 0xc2 || lead > 0xf4) return {1, false};
  const std::size_t length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  unsigned char low = 0x80, high = 0xbf;
  if (lead == 0xe0) low = 0xa0;
  if (lead == 0xed) high = 0x9f;
  if (lead == 0xf0) low = 0x90;
  if (lead == 0xf4) high = 0x8f;
  for (std::size_t i = 1; i < length; ++i) {
    if (i == text.size() || byte(i) < low || byte(i) > high) return {i, false};
    low = 0x80;
    high = 0xbf;
  }
  return {length, true};
}

void append_escaped(std::string& out, unsigned char c) {
  constexpr char kHex[] = "0123456789abcdef";
  switch (c) {
    case '"':
      out += "\\\"";
      break;
    case '\\':
      out += "\\\\";
      break;
    case '\n':
      out += "\\n";
      break;
    case '\r':
      out += "\\r";
      break;
    case '\t':
      out += "\\t";
      break;
    default:
      (((out += "\\u00") += kHex[c >> 4]) += kHex[c & 15]);
  }
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const Utf8Part part = next_part(text);
    const auto first = static_cast<unsigned char>(text.front());
    if (!part.whole) {
      out += "\xef\xbf\xbd";
    } else if (first < 0x20 || first == '"' || first == '\\') {
      append_escaped(out, first);
    } else {
      out += text.substr(0, part.bytes);
    }
    text.remove_prefix(part.bytes);
  }
  out += '"';
}

void append_json_number(std::string& out, float value) {
  if (!std::isfinite(value)) {
    out += "null";
    return;
  }
  char digits[24];  // the longest float is "-1.17549435e-38"
  out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

}  // namespace osprey::sinks
