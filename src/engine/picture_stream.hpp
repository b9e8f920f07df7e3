// SPDX-License-Identifier: Apache-2.0
// Pictures of a folder, a video or a list, for whoever asks next.
#pragma once

#include <osprey/image.hpp>
#include <osprey/result.hpp>

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "media/source.hpp"

namespace osprey::engine {

/// Threads: next() from any.
class PictureStream {
 public:
  /// `data`: what media::Source::open() takes, or a list of pictures (*.txt: a path a line, from
  /// the list's folder or else from the working folder). At most `most` are given; 0: all.
  static Result<std::unique_ptr<PictureStream>> open(const std::string& data, int most);

  /// The next picture, or nothing at the end. What cannot be read is passed over and counted.
  Result<std::optional<Image>> next();

  std::size_t given() const;
  /// How many there may be; 0 if nobody knows.
  std::size_t expected() const;
  media::SourceHealth health() const;

 private:
  PictureStream() = default;
  Result<std::optional<Image>> next_of_list();

  mutable std::mutex mutex_;
  std::unique_ptr<media::Source> source_;  // or
  std::vector<std::string> list_;
  std::size_t at_ = 0;
  media::SourceHealth damaged_;  // of the list
  std::size_t given_ = 0, most_ = 0;
};

}  // namespace osprey::engine
