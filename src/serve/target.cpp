// SPDX-License-Identifier: Apache-2.0
#include "serve/target.hpp"

#include <cstdint>
#include <optional>

#include "base/try.hpp"

namespace osprey::serve {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

Result<std::string> decoded(std::string_view text, bool plus_is_space) {
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
      if (high < 0 || low < 0) {
        return Error{ErrorCode::kInvalidArgument, "expected two hexadecimal digits after %"};
      }
      c = static_cast<char>(high * 16 + low);
      i += 2;
    } else if (c == '+' && plus_is_space) {
      c = ' ';
    }
    if (is_control(c)) {
      return Error{ErrorCode::kInvalidArgument, "control characters are not expected here"};
    }
    bytes += c;
  }
  return bytes;
}

// How many bytes the character at the front of `text` has; 0 if it is not UTF-8.
std::size_t character_bytes(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const std::size_t count = byte(0) < 0x80   ? 1
                            : byte(0) < 0xc2 ? 0
                            : byte(0) < 0xe0 ? 2
                            : byte(0) < 0xf0 ? 3
                            : byte(0) < 0xf5 ? 4
                                             : 0;
  if (count > text.size()) return 0;
  std::uint32_t code = count == 1 ? byte(0) : byte(0) & (0xffU >> (count + 1));
  for (std::size_t i = 1; i < count; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
    code = code << 6 | (byte(i) & 0x3f);
  }
  if (count == 3 && (code < 0x800 || (code >= 0xd800 && code < 0xe000))) return 0;
  if (count == 4 && (code < 0x10000 || code > 0x10ffff)) return 0;
  return count;
}

Result<std::map<std::string, std::string>> parse_query(std::string_view text) {
  std::map<std::string, std::string> query;
  while (!text.empty()) {
    const std::size_t end = text.find('&');
    const std::string_view pair = text.substr(0, end);
    text = end == std::string_view::npos ? "" : text.substr(end + 1);
    if (pair.empty()) continue;
    const std::size_t equals = pair.find('=');
    const std::string key = OSPREY_TRY(decoded(pair.substr(0, equals), true));
    const std::string value =
        OSPREY_TRY(decoded(equals == std::string_view::npos ? "" : pair.substr(equals + 1), true));
    if (!query.emplace(key, value).second) {
      return Error{ErrorCode::kInvalidArgument, "query: a key is given twice"};
    }
  }
  return query;
}

}  // namespace

Result<Target> parse_target(std::string_view text) {
  if (text.empty() || text[0] != '/') {
    return Error{ErrorCode::kInvalidArgument, "expected a path that begins with /"};
  }
  Target target;
  const std::size_t question = text.find('?');
  std::string_view path = text.substr(0, question);
  for (bool more = true; more;) {
    path.remove_prefix(1);
    const std::size_t end = path.find('/');
    more = end != std::string_view::npos;
    auto part = decoded(path.substr(0, end), false);
    if (!part.ok()) return std::move(part).error();
    if (*part == "." || *part == ".." || part->find_first_of("/\\") != std::string::npos) {
      return Error{ErrorCode::kNotFound, "no such path"};
    }
    target.path.push_back(std::move(*part));
    if (more) path.remove_prefix(end);
  }
  if (question != std::string_view::npos) {
    target.query = OSPREY_TRY(parse_query(text.substr(question + 1)));
  }
  return target;
}

bool is_text(std::string_view text, std::size_t most) {
  std::size_t characters = 0;
  for (; !text.empty(); ++characters) {
    const std::size_t count = character_bytes(text);
    if (count == 0 || is_control(text[0]) || characters == most) return false;
    text.remove_prefix(count);
  }
  return characters > 0;
}

bool is_name(std::string_view name) {
  return is_text(name, 128) && name[0] != '.' &&
         name.find_first_of("/\\") == std::string_view::npos;
}

std::string percent_encoded(std::string_view text) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      encoded += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      encoded += '%';
      encoded += kDigits[byte >> 4];
      encoded += kDigits[byte & 15];
    }
  }
  return encoded;
}

}  // namespace osprey::serve
