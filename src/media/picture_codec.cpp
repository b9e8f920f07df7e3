// SPDX-License-Identifier: Apache-2.0
#include "media/picture_codec.hpp"

#include <dlfcn.h>

#include <memory>

#include "base/try.hpp"
#include "media/opencv_pictures/pictures_abi.hpp"

namespace osprey::media {

namespace {

struct Codec {
  OspreyDecodePicture decode = nullptr;
  OspreyEncodePicture encode = nullptr;
};

Result<Codec> load_codec() {
  // Found through the run path of the program or library this is part of; stays loaded.
  void* const module = dlopen(kPicturesModule, RTLD_NOW | RTLD_LOCAL);
  if (module == nullptr) {
    return Error{ErrorCode::kNotFound, std::string("the picture module is missing: ") + dlerror()};
  }
  Codec codec;
  codec.decode = reinterpret_cast<OspreyDecodePicture>(dlsym(module, kDecodeFunction));
  codec.encode = reinterpret_cast<OspreyEncodePicture>(dlsym(module, kEncodeFunction));
  if (codec.decode == nullptr || codec.encode == nullptr) {
    return Error{ErrorCode::kNotFound, std::string(kPicturesModule) + ": of another version"};
  }
  return codec;
}

const Result<Codec>& codec() {
  static const Result<Codec> loaded = load_codec();
  return loaded;
}

struct Decoding {
  Image image;
  std::string why;
};

struct Encoding {
  std::vector<std::uint8_t> bytes;
  std::string why;
};

}  // namespace

Result<Image> decode_picture(std::span<const std::uint8_t> bytes) {
  if (!codec()) return codec().error();
  Decoding result;
  const auto allocate = [](void* caller, int width, int height) -> std::uint8_t* {
    auto& image = static_cast<Decoding*>(caller)->image;
    const auto size = static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3;
    const auto pixels = std::make_shared_for_overwrite<std::uint8_t[]>(size);
    image.format = PixelFormat::kBgr24;
    image.range = ColorRange::kFull;
    image.width = width;
    image.height = height;
    image.planes[0] = {pixels.get(), width * 3};
    image.owner = pixels;
    return pixels.get();
  };
  const auto explain = [](void* caller, const char* why) {
    static_cast<Decoding*>(caller)->why = why;
  };
  if (!codec()->decode(bytes.data(), bytes.size(), &result, allocate, explain)) {
    return Error{ErrorCode::kCorrupt, result.why};
  }
  return std::move(result.image);
}

Result<std::vector<std::uint8_t>> encode_picture(const Image& image, const std::string& suffix) {
  if (!codec()) return codec().error();
  Encoding result;
  const auto take = [](void* caller, const std::uint8_t* bytes, std::size_t size) {
    static_cast<Encoding*>(caller)->bytes.assign(bytes, bytes + size);
  };
  const auto explain = [](void* caller, const char* why) {
    static_cast<Encoding*>(caller)->why = why;
  };
  const auto& plane = image.planes[0];
  if (!codec()->encode(plane.data, plane.stride, image.width, image.height, suffix.c_str(), &result,
                       take, explain)) {
    return Error{ErrorCode::kInternal, result.why};
  }
  return std::move(result.bytes);
}

}  // namespace osprey::media
