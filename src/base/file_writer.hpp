// SPDX-License-Identifier: Apache-2.0
// Buffered bytes to a file descriptor, with every short write noticed.
#pragma once

#include <osprey/result.hpp>

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

namespace osprey::base {

/// Errors are kIo and begin with the file's name; the first is final, as what it lost cannot be
/// made up for: every later call returns it. Threads: one.
class FileWriter {
 public:
  /// Opens `path` with open(2)'s `flags` (close-on-exec is added); a new file gets mode 0666 less
  /// the umask. `name` is what errors call it.
  static Result<FileWriter> open(const std::filesystem::path& path, int flags, std::string name);

  /// Writes to a descriptor that stays the caller's; `name` is for errors.
  FileWriter(int borrowed_descriptor, std::string name)
      : descriptor_(borrowed_descriptor), name_(std::move(name)) {}

  FileWriter(FileWriter&& other) noexcept;
  FileWriter& operator=(FileWriter&&) = delete;
  ~FileWriter();  ///< without flush() or close(), what is still in the buffer is lost

  /// Keeps less than 64 KiB back; longer `bytes` are not copied.
  Status write(std::string_view bytes);
  /// Hands everything to the operating system.
  Status flush();
  /// Flushes and, if the descriptor is ours, closes it.
  Status close();

 private:
  Status send(std::string_view bytes);

  int descriptor_ = -1;
  bool owned_ = false;
  std::string name_;
  std::string buffer_;
  Status status_;
};

}  // namespace osprey::base
