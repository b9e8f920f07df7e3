// SPDX-License-Identifier: Apache-2.0
#include "media/temporary_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace osprey::media {

namespace fs = std::filesystem;

Result<TemporaryFile> TemporaryFile::create(const std::string& target) {
  const fs::path path(target);
  std::error_code ignored;
  if (!path.has_filename() || fs::is_directory(path, ignored)) {
    return Error{ErrorCode::kInvalidArgument,
                 "\"" + target + "\" names a folder, expected the video file to write"};
  }
  for (int attempt = 0;; ++attempt) {
    fs::path temporary =
        path.parent_path() / ("." + path.filename().string() + ".part-" + std::to_string(getpid()) +
                              "-" + std::to_string(attempt));
    const int descriptor = open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor >= 0) {
      close(descriptor);
      return TemporaryFile(path, std::move(temporary));
    }
    if (errno != EEXIST) {
      return Error{errno == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo,
                   "cannot write " + target + ": " + std::strerror(errno)};
    }
  }
}

TemporaryFile::TemporaryFile(TemporaryFile&& other) noexcept
    : target_(std::move(other.target_)), path_(std::exchange(other.path_, fs::path())) {}

TemporaryFile::~TemporaryFile() {
  std::error_code ignored;
  if (!path_.empty()) fs::remove(path_, ignored);
}

Status TemporaryFile::commit() {
  std::error_code error;
  fs::rename(path_, target_, error);
  if (error) {
    return Error{ErrorCode::kIo, "cannot write " + target_.string() + ": " + error.message()};
  }
  path_.clear();
  return {};
}

}  // namespace osprey::media
