// SPDX-License-Identifier: Apache-2.0
#include "onnx/file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <limits>

namespace osprey::onnx {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kLargest = std::numeric_limits<std::int32_t>::max();

class Descriptor {
 public:
  Descriptor(const fs::path& path, int flags)
      : fd_(::open(path.c_str(), flags | O_CLOEXEC, 0666)) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  bool is_open() const { return fd_ >= 0; }
  int get() const { return fd_; }
  bool close() {
    const int fd = fd_;
    fd_ = -1;
    return ::close(fd) == 0;
  }

 private:
  int fd_;
};

Error io_error(const std::string& path, const char* what, int code) {
  return {ErrorCode::kIo, path + ": " + what + ": " + std::strerror(code)};
}

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

}  // namespace

Result<std::string> read_file(const std::string& path, const std::string& what) {
  std::error_code code;
  const fs::file_status status = fs::status(path, code);
  if (!fs::exists(status)) {
    return Error{ErrorCode::kNotFound, path + ": no such file; expected " + what};
  }
  if (!fs::is_regular_file(status)) {
    return Error{ErrorCode::kInvalidArgument,
                 path + (fs::is_directory(status) ? ": is a folder" : ": is not a regular file") +
                     "; expected " + what};
  }
  const std::uintmax_t size = fs::file_size(path, code);
  if (code) return io_error(path, "cannot be read", code.value());
  if (size == 0) return Error{ErrorCode::kCorrupt, path + ": is empty; expected " + what};
  if (size > kLargest) {
    return Error{ErrorCode::kUnsupported,
                 path + ": has " + std::to_string(size) + " bytes; at most 2 GiB can be read"};
  }

  const Descriptor file(path, O_RDONLY);
  if (!file.is_open()) return io_error(path, "cannot be read", errno);
  std::string bytes(size, '\0');
  std::size_t have = 0;
  while (have < bytes.size()) {
    const ssize_t n = ::read(file.get(), bytes.data() + have, bytes.size() - have);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return io_error(path, "cannot be read", errno);
    if (n == 0) break;  // it shrank meanwhile
    have += static_cast<std::size_t>(n);
  }
  bytes.resize(have);
  return bytes;
}

Status write_file(const std::string& path, std::string_view bytes) {
  const fs::path target(path);
  if (!target.has_filename() || fs::is_directory(target)) {
    return Error{ErrorCode::kInvalidArgument,
                 "\"" + path + "\": expected the name of a file, not of a folder"};
  }
  const fs::path part = target.parent_path() /
                        ("." + target.filename().string() + ".part-" + std::to_string(::getpid()));
  Descriptor file(part, O_WRONLY | O_CREAT | O_TRUNC);
  if (!file.is_open()) return io_error(path, "cannot be written", errno);
  const bool written = write_all(file.get(), bytes) && file.close();
  if (written && ::rename(part.c_str(), target.c_str()) == 0) return {};
  const int code = errno;
  ::unlink(part.c_str());
  return io_error(path, "cannot be written", code);
}

}  // namespace osprey::onnx
