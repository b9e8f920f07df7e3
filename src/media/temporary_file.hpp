// SPDX-License-Identifier: Apache-2.0
// A file that is written under a temporary name and renamed when it is complete.
#pragma once

#include <osprey/result.hpp>

#include <filesystem>
#include <string>

namespace osprey::media {

/// Removes the temporary file unless it was committed. Threads: one.
class TemporaryFile {
 public:
  /// Makes an empty ".<name>.part-<process>-<n>" in `target`'s folder. Errors: `target` is empty or
  /// a folder; its folder is not there or cannot be written to.
  static Result<TemporaryFile> create(const std::string& target);

  TemporaryFile(TemporaryFile&& other) noexcept;
  TemporaryFile& operator=(TemporaryFile&&) = delete;
  ~TemporaryFile();

  const std::filesystem::path& path() const { return path_; }

  /// Gives the file its name, in place of what was there. To be called once it is closed.
  Status commit();

 private:
  TemporaryFile(std::filesystem::path target, std::filesystem::path path)
      : target_(std::move(target)), path_(std::move(path)) {}

  std::filesystem::path target_;
  std::filesystem::path path_;  ///< empty once renamed or moved from
};

}  // namespace osprey::media
