// SPDX-License-Identifier: Apache-2.0
// How large a picture is, without its pixels.
#pragma once

#include <osprey/result.hpp>

#include <string>

namespace osprey::media {

struct PictureSize {
  int width = 0, height = 0;
};

/// Of the picture as read_image() gives it: upright by its EXIF tag. Cost: a few kilobytes read for
/// JPEG without EXIF and for PNG, decoding for others. Errors: as read_image().
Result<PictureSize> picture_size(const std::string& path);

}  // namespace osprey::media
