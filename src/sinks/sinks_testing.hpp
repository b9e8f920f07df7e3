// SPDX-License-Identifier: Apache-2.0
// What the tests of the sinks share: files and results.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/file_testing.hpp"
#include "core/frame.hpp"

namespace osprey::sinks {

using base::FileSizeLimit;
using base::read_text;
using base::TemporaryFolder;
using base::write_text;

inline StreamInfo stream_info(std::uint32_t index, const std::string& uri, bool pictures = false) {
  StreamInfo info;
  info.index = index;
  info.uri = uri;
  info.pictures = pictures;
  return info;
}

/// A result of a frame with a size but without samples.
inline FrameResult result_of(FrameId id, int width, int height, std::vector<Detection> detections,
                             const std::string& path = "") {
  auto frame = std::make_shared<Frame>();
  frame->id = id;
  frame->timestamp = {std::chrono::milliseconds(40 * id.sequence)};
  frame->image.width = width;
  frame->image.height = height;
  frame->path = path;
  return {std::move(frame), std::move(detections), std::nullopt};
}

}  // namespace osprey::sinks
