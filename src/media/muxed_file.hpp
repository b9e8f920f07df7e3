// SPDX-License-Identifier: Apache-2.0
// A video file that is being written, packet by packet, until it is complete.
#pragma once

#include <osprey/result.hpp>

#include <optional>
#include <string>

#include "base/temporary_file.hpp"

struct AVDictionary;
struct AVFormatContext;
struct AVPacket;
struct AVStream;

namespace osprey::media {

/// A container of one stream under a temporary name. What fails once has failed for good: such a
/// file cannot be completed. Errors begin with "cannot write <path>". Threads: one.
class MuxedFile {
 public:
  /// `path`: its name in the end, for errors.
  MuxedFile(std::string path, base::TemporaryFile file);
  MuxedFile(const MuxedFile&) = delete;
  MuxedFile& operator=(const MuxedFile&) = delete;
  /// Leaves nothing behind if it is not complete.
  ~MuxedFile();

  /// `format`: FFmpeg's name of it.
  Status open(const char* format);
  /// Its stream, whose parameters are set before begin().
  AVStream& stream() { return *stream_; }
  AVFormatContext& container() { return *container_; }
  /// Writes what comes before packets. `options` are the format's, and freed.
  Status begin(AVDictionary* options = nullptr);
  /// Times are the stream's, rising.
  Status write(AVPacket& packet);
  /// Writes what comes behind packets, and gives the file its name.
  Status complete();
  /// Gives the file its name as it is.
  Status complete_as_it_is();
  /// Ends writing.
  void close();

  /// The error for a negative return value of FFmpeg's, or one that the file has kept.
  Status check(int code) const;
  /// Keeps an error as what the file failed with.
  Status remember(Status status);
  /// Why nothing more can be written.
  const std::optional<Error>& failure() const { return failure_; }

  const std::string& path() const { return path_; }
  const base::TemporaryFile& file() const { return file_; }

 private:
  const std::string path_;
  base::TemporaryFile file_;
  AVFormatContext* container_ = nullptr;
  AVStream* stream_ = nullptr;
  std::optional<Error> failure_;
};

}  // namespace osprey::media
