// SPDX-License-Identifier: Apache-2.0
#include "sinks/file_writer.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "base/try.hpp"

namespace osprey::sinks {

namespace {
constexpr std::size_t kBufferBytes = 64 * 1024;
}

Error io_error(const std::string& name, int error_number) {
  return {ErrorCode::kIo, name + ": " + std::generic_category().message(error_number)};
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
      buffer_(std::move(other.buffer_)) {}

FileWriter::~FileWriter() {
  if (owned_ && descriptor_ >= 0) ::close(descriptor_);
}

Status FileWriter::write(std::string_view bytes) {
  buffer_.append(bytes);
  return buffer_.size() < kBufferBytes ? Status{} : flush();
}

Status FileWriter::flush() {
  std::size_t done = 0;
  while (done < buffer_.size()) {
    const ssize_t n = ::write(descriptor_, buffer_.data() + done, buffer_.size() - done);
    if (n >= 0) {
      done += static_cast<std::size_t>(n);
    } else if (errno == EAGAIN) {  // a terminal or pipe that another program made non-blocking
      pollfd ready{descriptor_, POLLOUT, 0};
      ::poll(&ready, 1, -1);
    } else if (errno != EINTR) {
      const int error_number = errno;
      buffer_.erase(0, done);
      return io_error(name_, error_number);
    }
  }
  buffer_.clear();
  return {};
}

Status FileWriter::close() {
  OSPREY_TRY(flush());
  // Network file systems and quotas report a failed write as late as here.
  if (owned_ && ::close(std::exchange(descriptor_, -1)) != 0) return io_error(name_, errno);
  return {};
}

}  // namespace osprey::sinks
