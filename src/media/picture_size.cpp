// SPDX-License-Identifier: Apache-2.0
#include "media/picture_size.hpp"

#include <array>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <optional>

#include "base/read_file.hpp"
#include "base/try.hpp"
#include "media/picture_codec.hpp"

namespace osprey::media {

namespace {

/// Big-endian numbers of a file.
class Reader {
 public:
  explicit Reader(const std::string& path) : file_(path, std::ios::binary) {}
  std::optional<unsigned> number(int bytes) {
    unsigned value = 0;
    for (int i = 0; i < bytes; ++i) {
      const int next = file_.get();
      if (next < 0) return std::nullopt;
      value = value << 8 | static_cast<unsigned>(next);
    }
    return value;
  }
  void skip(unsigned bytes) { file_.seekg(bytes, std::ios::cur); }

 private:
  std::ifstream file_;
};

/// What a JPEG's frame header says; nothing if there is EXIF, which may turn the picture.
std::optional<PictureSize> jpeg_size(Reader& file) {
  for (;;) {
    auto marker = file.number(2);
    while (marker && *marker == 0xffff) marker = 0xff00 | file.number(1).value_or(0);
    const auto length = file.number(2);
    if (!marker || !length || *marker < 0xffc0 || *length < 2 || *marker == 0xffe1) return {};
    const unsigned kind = *marker & 0xff;
    const bool is_frame =
        kind >= 0xc0 && kind <= 0xcf && kind != 0xc4 && kind != 0xc8 && kind != 0xcc;
    if (!is_frame) {
      file.skip(*length - 2);
      continue;
    }
    file.skip(1);
    const auto height = file.number(2), width = file.number(2);
    if (!width || !height || *width == 0 || *height == 0) return {};
    return PictureSize{static_cast<int>(*width), static_cast<int>(*height)};
  }
}

std::optional<PictureSize> header_size(const std::string& path) {
  Reader file(path);
  const auto start = file.number(2);
  if (start == 0xffd8u) return jpeg_size(file);
  if (start != 0x8950u || file.number(4) != 0x4e470d0au) return {};
  file.skip(10);  // the rest of the signature, and of the first chunk its length and name
  const auto width = file.number(4), height = file.number(4);
  constexpr unsigned kMost = 1u << 24;
  if (!width || !height || *width - 1 >= kMost || *height - 1 >= kMost) return {};
  return PictureSize{static_cast<int>(*width), static_cast<int>(*height)};
}

}  // namespace

Result<PictureSize> picture_size(const std::string& path) {
  if (const auto size = header_size(path)) return *size;
  const auto bytes = OSPREY_TRY(base::read_file(path, "a picture"));
  const auto* begin = reinterpret_cast<const std::uint8_t*>(bytes.data());
  const auto image = decode_picture({begin, bytes.size()});
  if (!image) return Error{image.error().code, path + ": " + image.error().message};
  return PictureSize{image->width, image->height};
}

}  // namespace osprey::media
