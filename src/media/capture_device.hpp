// SPDX-License-Identifier: Apache-2.0
// Cameras of this machine, through Video4Linux.
#pragma once

#include <osprey/result.hpp>

#include <optional>
#include <string>
#include <utility>
#include <vector>

struct AVInputFormat;

namespace osprey::media {

struct CaptureDevice {
  std::string path;                                           ///< "/dev/video0"
  std::vector<std::pair<std::string, std::string>> settings;  ///< FFmpeg's
};

/// What "/dev/video0" or "v4l2:///dev/video0?size=1280x720&fps=30&format=mjpeg" names; nothing if
/// `uri` is no camera's name. Errors: an unknown setting, or one that is not as it has to be; no
/// such device.
Result<std::optional<CaptureDevice>> find_capture_device(const std::string& uri);

/// FFmpeg's reader of such devices. Its library is loaded when it is first needed: it brings those
/// of sound and windows, which would cost every start tens of milliseconds. Errors: it is not
/// installed.
Result<const AVInputFormat*> capture_format(const std::string& uri);

}  // namespace osprey::media
