// SPDX-License-Identifier: Apache-2.0
// A source of a video's frames: a file, a pipe or a URL.
#pragma once

#include <memory>
#include <string>

#include "media/capture_device.hpp"
#include "media/source.hpp"

namespace osprey::media {

/// `uri` is the user's name for it; `url` FFmpeg's ("file:" before local paths). Errors: cannot be
/// opened, no video in it, no decoder for it, not one frame that can be decoded.
Result<std::unique_ptr<Source>> open_video(const std::string& uri, const std::string& url,
                                           std::uint32_t stream, const SourceOptions& options);

/// Opens a camera of this machine.
Result<std::unique_ptr<Source>> open_camera(const std::string& uri, const CaptureDevice& device,
                                            std::uint32_t stream, const SourceOptions& options);

/// Reads an open file descriptor, which stays the caller's.
Result<std::unique_ptr<Source>> open_video_descriptor(const std::string& uri, int descriptor,
                                                      std::uint32_t stream,
                                                      const SourceOptions& options);

}  // namespace osprey::media
