// SPDX-License-Identifier: Apache-2.0
// Tells pictures from videos and other files.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace osprey::media {

/// How many of a file's first bytes looks_like_picture() wants to see.
inline constexpr std::size_t kSignatureSize = 16;

/// True if these first bytes of a file are those of a JPEG, PNG, BMP, WebP, TIFF, JPEG 2000 or PNM.
bool looks_like_picture(std::span<const std::uint8_t> head);

/// True if the file at `path` is to be read as one picture: by its first bytes, whatever its name;
/// or by its name where the bytes say nothing (so that a damaged picture is reported as one). A
/// JPEG named .mjpeg or .mjpg is a video: JPEGs one after the other. Opens the file.
bool is_picture_file(const std::string& path);

/// True for a JPEG whose picture data has no end mark: the file was cut short.
bool is_cut_short_jpeg(std::span<const std::uint8_t> bytes);

}  // namespace osprey::media
