// SPDX-License-Identifier: Apache-2.0
#include "serve/header_block.hpp"

#include <algorithm>
#include <charconv>

namespace osprey::serve {
namespace {

constexpr int kMostFields = 100;
constexpr std::size_t kLongestFirstLine = 4096;
constexpr std::size_t kLongestField = 8000;  // the library's own limit is 8192

bool is_token_letter(char c) {
  static constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         kOthers.find(c) != std::string_view::npos;
}

bool has_control(std::string_view line) {
  return std::any_of(line.begin(), line.end(), [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
  });
}

bool is_named(std::string_view name, std::string_view lower) {
  return std::equal(name.begin(), name.end(), lower.begin(), lower.end(), [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
  });
}

std::string_view trimmed_blanks(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// The same line with a method that cpp-httplib knows: it is answered like any other that is not
// expected.
std::string known_method(std::string_view line) {
  const std::string_view method = line.substr(0, line.find(' '));
  for (const char* known : {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"}) {
    if (method == known) return std::string(line);
  }
  return "OPTIONS" + std::string(line.substr(method.size()));
}

// Three words, the last a version.
bool is_first_line(std::string_view line) {
  const std::string_view method = line.substr(0, line.find(' '));
  return std::count(line.begin(), line.end(), ' ') == 2 && !method.empty() &&
         std::all_of(method.begin(), method.end(), is_token_letter) &&
         (line.ends_with(" HTTP/1.1") || line.ends_with(" HTTP/1.0")) &&
         line.find('\t') == std::string_view::npos && line.find('#') == std::string_view::npos;
}

}  // namespace

std::size_t header_end(std::string_view bytes) {
  const std::size_t end = bytes.find("\r\n\r\n");
  return end == std::string_view::npos ? end : end + 4;
}

HeaderBlock check_header(std::string_view bytes) {
  HeaderBlock block;
  int fields = 0, hosts = 0, lengths = 0;
  for (bool first = true; !bytes.empty(); first = false) {
    const std::size_t end = bytes.find("\r\n");
    const std::string_view line = bytes.substr(0, end);
    if (end == std::string_view::npos || has_control(line)) {
      block.refused = 400;
      return block;
    }
    const std::string_view whole = bytes.substr(0, end + 2);
    bytes.remove_prefix(end + 2);
    if (first) {
      if (line.size() > kLongestFirstLine)
        block.refused = 414;
      else if (!is_first_line(line))
        block.refused = 400;
      if (block.refused != 0) return block;
      block.text = known_method(whole);
      continue;
    }
    if (line.empty()) {
      block.text += whole;
      break;
    }
    const std::size_t colon = line.find(':');
    const std::string_view name = line.substr(0, colon);
    if (++fields > kMostFields || line.size() > kLongestField) {
      block.refused = 431;
    } else if (colon == 0 || colon == std::string_view::npos ||
               !std::all_of(name.begin(), name.end(), is_token_letter)) {
      block.refused = 400;
    }
    if (block.refused != 0) return block;

    const std::string_view value = trimmed_blanks(line.substr(colon + 1));
    if (is_named(name, "range")) {
      block.range = value;
      continue;
    }
    if (is_named(name, "host")) ++hosts;
    if (is_named(name, "transfer-encoding")) block.chunked = true;
    if (is_named(name, "content-length")) {
      ++lengths;
      const auto read =
          std::from_chars(value.data(), value.data() + value.size(), block.content_length);
      if (read.ec != std::errc{} || read.ptr != value.data() + value.size()) block.refused = 400;
    }
    block.text += whole;
  }
  if (hosts > 1 || lengths > 1 || (lengths > 0 && block.chunked)) block.refused = 400;
  return block;
}

}  // namespace osprey::serve
