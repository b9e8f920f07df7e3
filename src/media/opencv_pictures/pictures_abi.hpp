// SPDX-License-Identifier: Apache-2.0
// What the loadable picture module offers: plain C, since it is found by name at run time.
#pragma once

#include <cstddef>
#include <cstdint>

extern "C" {

/// Gets memory for `width` x `height` BGR pixels without gaps from the caller, or null.
using OspreyAllocate = std::uint8_t* (*)(void* caller, int width, int height);
/// Gives `size` bytes of a finished file to the caller.
using OspreyTake = void (*)(void* caller, const std::uint8_t* bytes, std::size_t size);
/// Says in words, null-terminated, why it did not work.
using OspreyExplain = void (*)(void* caller, const char* why);

/// Decodes as cv2.imread does, EXIF orientation applied. True on success; otherwise `explain` was
/// called.
using OspreyDecodePicture = bool (*)(const std::uint8_t* bytes, std::size_t size, void* caller,
                                     OspreyAllocate allocate, OspreyExplain explain);
/// Encodes BGR rows for a file whose name ends in `suffix` (".jpg").
using OspreyEncodePicture = bool (*)(const std::uint8_t* pixels, int stride, int width, int height,
                                     const char* suffix, void* caller, OspreyTake take,
                                     OspreyExplain explain);
}

namespace osprey::media {
inline constexpr char kPicturesModule[] = "libosprey_pictures.so";
inline constexpr char kDecodeFunction[] = "osprey_decode_picture";
inline constexpr char kEncodeFunction[] = "osprey_encode_picture";
}  // namespace osprey::media
