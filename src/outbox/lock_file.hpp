// SPDX-License-Identifier: Apache-2.0
// A file that says who uses another one.
#pragma once

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>
#include <osprey/result.hpp>

#include <cerrno>
#include <string>
#include <utility>

#include "base/io_error.hpp"

namespace osprey::outbox {

/// "<path>.lock", locked until this is destroyed or the process ends. The file stays: to remove it
/// would be a race.
class LockFile {
 public:
  /// Errors: another process holds it (kUnavailable); it cannot be made (kIo).
  static Result<LockFile> take(const std::string& path) {
    const std::string name = path + ".lock";
    LockFile lock(::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
    if (lock.descriptor_ < 0) return base::io_error(name, errno);
    if (::flock(lock.descriptor_, LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK) return base::io_error(name, errno);
      return Error{ErrorCode::kUnavailable, path + ": another process uses it"};
    }
    return lock;
  }

  LockFile(LockFile&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  LockFile& operator=(LockFile&&) = delete;
  ~LockFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

 private:
  explicit LockFile(int descriptor) : descriptor_(descriptor) {}

  int descriptor_;
};

}  // namespace osprey::outbox
