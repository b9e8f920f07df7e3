// SPDX-License-Identifier: Apache-2.0
#include "media/picture_kind.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <fstream>

namespace osprey::media {
namespace {

using namespace std::string_view_literals;

constexpr std::array kPictureExtensions = {".jpg"sv, ".jpeg"sv, ".jpe"sv, ".png"sv,  ".bmp"sv,
                                           ".dib"sv, ".webp"sv, ".tif"sv, ".tiff"sv, ".jp2"sv,
                                           ".pbm"sv, ".pgm"sv,  ".ppm"sv, ".pnm"sv};

constexpr auto kJpeg = "\xFF\xD8\xFF"sv;

std::string_view as_text(std::span<const std::uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// "BM" alone begins many a text: the size of the header behind it has to be one that exists.
bool is_bmp(std::string_view head) {
  if (!head.starts_with("BM") || head.size() < 16) return false;
  constexpr std::array header_sizes = {12, 40, 52, 56, 64, 108, 124};
  const int header = static_cast<unsigned char>(head[14]);
  return head[15] == 0 &&
         std::find(header_sizes.begin(), header_sizes.end(), header) != header_sizes.end();
}

bool is_pnm(std::string_view head) {
  return head.size() >= 3 && head[0] == 'P' && head[1] >= '1' && head[1] <= '6' &&
         std::isspace(static_cast<unsigned char>(head[2])) != 0;
}

std::string lower_extension(const std::string& path) {
  std::string extension = std::filesystem::path(path).extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return extension;
}

}  // namespace

bool looks_like_picture(std::span<const std::uint8_t> head) {
  const std::string_view text = as_text(head);
  return text.starts_with(kJpeg) || text.starts_with("\x89PNG\r\n\x1A\n"sv) ||
         text.starts_with("II*\0"sv) || text.starts_with("MM\0*"sv) ||
         (text.starts_with("RIFF"sv) && text.size() >= 12 && text.substr(8, 4) == "WEBP"sv) ||
         text.starts_with("\0\0\0\x0CjP  \r\n\x87\n"sv) || is_bmp(text) || is_pnm(text);
}

bool is_picture_file(const std::string& path) {
  std::array<std::uint8_t, kSignatureSize> bytes{};
  std::ifstream file(path, std::ios::binary);
  file.read(reinterpret_cast<char*>(bytes.data()), bytes.size());
  const std::span head(bytes.data(), static_cast<std::size_t>(file.gcount()));
  const std::string extension = lower_extension(path);
  if (looks_like_picture(head)) {
    const bool jpegs_in_a_row = extension == ".mjpeg" || extension == ".mjpg";
    return !(jpegs_in_a_row && as_text(head).starts_with(kJpeg));
  }
  return std::find(kPictureExtensions.begin(), kPictureExtensions.end(), extension) !=
         kPictureExtensions.end();
}

bool is_cut_short_jpeg(std::span<const std::uint8_t> bytes) {
  const std::string_view text = as_text(bytes);
  if (!text.starts_with(kJpeg)) return false;
  // An embedded preview has an end mark too, but before the picture's own last scan. Inside a scan
  // 0xFF is followed by 0 or a restart mark, so neither mark can be met by chance.
  const auto scan = text.rfind("\xFF\xDA"sv);
  return scan == std::string_view::npos || text.find("\xFF\xD9"sv, scan) == std::string_view::npos;
}

}  // namespace osprey::media
