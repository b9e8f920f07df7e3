// SPDX-License-Identifier: Apache-2.0
#include "serve/assets.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace osprey::serve {

const Asset* find_asset(std::string_view name) {
  const auto found = std::find_if(assets().begin(), assets().end(),
                                  [&](const Asset& asset) { return asset.name == name; });
  return found == assets().end() ? nullptr : &*found;
}

std::string content_type_of(std::string_view name) {
  static constexpr std::array<std::pair<std::string_view, const char*>, 12> kTypes{{
      {".html", "text/html; charset=utf-8"},
      {".css", "text/css; charset=utf-8"},
      {".js", "text/javascript; charset=utf-8"},
      {".svg", "image/svg+xml"},
      {".json", "application/json"},
      {".jpg", "image/jpeg"},
      {".mp4", "video/mp4"},
      {".mkv", "video/x-matroska"},
      {".webm", "video/webm"},
      {".m3u8", "application/vnd.apple.mpegurl"},
      {".ts", "video/mp2t"},
      {".m4s", "video/iso.segment"},
  }};
  for (const auto& [ending, type] : kTypes) {
    if (name.ends_with(ending)) return type;
  }
  return "application/octet-stream";
}

}  // namespace osprey::serve
