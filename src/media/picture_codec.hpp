// SPDX-License-Identifier: Apache-2.0
// Picture files (JPEG, PNG, ...) from and to pixels.
#pragma once

#include <osprey/image.hpp>
#include <osprey/result.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace osprey::media {

/// The picture in a file's `bytes`, as cv2.imread gives it: kBgr24, upright by its EXIF tag.
/// Errors: kCorrupt says why; kNotFound if the picture module (libosprey_pictures.so) is missing.
/// Threads: any.
Result<Image> decode_picture(std::span<const std::uint8_t> bytes);

/// A file's bytes for a kBgr24 `image`; `suffix` (".jpg", ".png") chooses the format.
Result<std::vector<std::uint8_t>> encode_picture(const Image& image, const std::string& suffix);

}  // namespace osprey::media
