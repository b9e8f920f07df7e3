// SPDX-License-Identifier: Apache-2.0
#include "base/file_writer.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>

#include "base/io_error.hpp"
#include "base/try.hpp"

namespace osprey::base {

namespace {
constexpr std::size_t kBufferBytes = std::size_t{64} * 1024;
}

Result<FileWriter> FileWriter::open(const std::filesystem::path& path, int flags,
                                    std::string name) {
  const int descriptor = ::open(path.c_str(), flags | O_CLOEXEC, 0666);
  if (descriptor < 0) return io_error(name, errno);
  FileWriter writer(descriptor, std::move(name));
  writer.owned_ = true;
  return writer;
}

FileWriter::FileWriter(FileWriter&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      owned_(other.owned_),
      name_(std::move(other.name_)),
      buffer_(std::move(other.buffer_)),
      status_(std::move(other.status_)) {}

FileWriter::~FileWriter() {
  if (owned_ && descriptor_ >= 0) ::close(descriptor_);
}

Status FileWriter::write(std::string_view bytes) {
  if (buffer_.size() + bytes.size() >= kBufferBytes) OSPREY_TRY(flush());
  if (bytes.size() >= kBufferBytes) return send(bytes);
  buffer_.append(bytes);
  return status_;
}

Status FileWriter::flush() {
  OSPREY_TRY(send(buffer_));
  buffer_.clear();
  return {};
}

Status FileWriter::close() {
  OSPREY_TRY(flush());
  // Network file systems and quotas report a failed write as late as here.
  if (owned_ && ::close(std::exchange(descriptor_, -1)) != 0) status_ = io_error(name_, errno);
  return status_;
}

Status FileWriter::send(std::string_view bytes) {
  while (status_.ok() && !bytes.empty()) {
    const ssize_t n = ::write(descriptor_, bytes.data(), bytes.size());
    if (n >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(n));
    } else if (errno == EAGAIN) {  // a terminal or pipe that another program made non-blocking
      pollfd ready{descriptor_, POLLOUT, 0};
      ::poll(&ready, 1, -1);
    } else if (errno != EINTR) {
      status_ = io_error(name_, errno);
    }
  }
  return status_;
}

}  // namespace osprey::base
