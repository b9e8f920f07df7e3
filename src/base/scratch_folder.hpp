// SPDX-License-Identifier: Apache-2.0
// A folder for what nobody is to see.
#pragma once

#include <osprey/result.hpp>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>

#include "base/io_error.hpp"

namespace osprey::base {

/// A new folder where the system keeps temporary files (TMPDIR), which goes away with its content.
class ScratchFolder {
 public:
  static Result<ScratchFolder> create() {
    std::error_code error;
    const auto place = std::filesystem::temp_directory_path(error);
    if (error) {
      return Error{ErrorCode::kIo,
                   "TMPDIR: expected a folder for temporary files: " + error.message()};
    }
    std::string pattern = (place / "osprey-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) return io_error(pattern, errno);
    return ScratchFolder(pattern);
  }
  ScratchFolder(ScratchFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  ScratchFolder& operator=(ScratchFolder&&) = delete;
  ~ScratchFolder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }

  std::string operator/(const std::string& name) const { return (path_ / name).string(); }
  const std::filesystem::path& path() const { return path_; }

 private:
  explicit ScratchFolder(std::filesystem::path path) : path_(std::move(path)) {}

  std::filesystem::path path_;
};

}  // namespace osprey::base
