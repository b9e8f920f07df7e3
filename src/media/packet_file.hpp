// SPDX-License-Identifier: Apache-2.0
// Packets of a video copied into an MP4 or Matroska file, which can be played whatever ends it.
#pragma once

#include <osprey/result.hpp>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "media/packet_format.hpp"

namespace osprey::media {

/// ".mp4" for what players expect in one, ".mkv" for what else can be copied. kUnsupported: raw
/// pictures, and codecs that no file format here knows.
Result<std::string> suffix_for(const PacketFormat& format);

/// Threads: one. What was written is with the operating system after a second or a key frame,
/// whichever comes first. While it is written it has a temporary name, ".<name>.part-...", and a
/// lock (flock) that ends with the process; see complete_leftover().
class PacketFile {
 public:
  virtual ~PacketFile() = default;  ///< without finish() or keep(), nothing is left behind

  /// `path` ends in suffix_for(format). Errors: the folder cannot be written to; the codec's
  /// parameters are not known.
  static Result<std::unique_ptr<PacketFile>> create(const std::filesystem::path& path,
                                                    std::shared_ptr<const PacketFormat> format);

  /// In decoding order, beginning with a key frame. Time begins at the first packet's; one that
  /// does not come after the last is moved behind it by a tick. Errors: a full disk; that is final.
  virtual Status write(const AVPacket& packet) = 0;

  /// Completes the file under its name. Once.
  virtual Status finish() = 0;

  /// After write() or finish() failed: what plays goes under its name, incomplete as it is. Errors:
  /// not one picture of it was written; then nothing is left.
  virtual Status keep() = 0;

  virtual std::uint64_t bytes() const = 0;  ///< so far
};

/// Makes `path` of a temporary file that a PacketFile left when its process was killed, and removes
/// the temporary one; nothing that can be played in it is removed without a trace (false). Errors:
/// `path` cannot be written; `stop` became true (kCancelled). Then the temporary file stays.
Result<bool> complete_leftover(const std::filesystem::path& part, const std::filesystem::path& path,
                               const std::atomic<bool>& stop);

/// Whether a process has the temporary file's lock.
bool is_being_written(const std::filesystem::path& part);

/// A lock (flock) on a file or folder, that ends with the process.
class FileLock {
 public:
  FileLock() = default;
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&&) = delete;
  ~FileLock();

  /// Waits for nobody.
  static FileLock of(const std::filesystem::path& path);
  /// Whether somebody else has it.
  bool refused() const { return refused_; }

 private:
  int descriptor_ = -1;
  bool refused_ = false;
};

}  // namespace osprey::media
