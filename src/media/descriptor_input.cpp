// SPDX-License-Identifier: Apache-2.0
#include "media/descriptor_input.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <new>

extern "C" {
#include <libavformat/avio.h>
#include <libavutil/error.h>
#include <libavutil/mem.h>
}

namespace osprey::media {

Result<std::unique_ptr<DescriptorInput>> DescriptorInput::open(const std::string& name,
                                                               int descriptor) {
  const auto failed = [&] { return Error{ErrorCode::kIo, name + ": " + std::strerror(errno)}; };
  const int copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
  if (copy < 0) return failed();
  const int wake_up = eventfd(0, EFD_CLOEXEC);
  if (wake_up < 0) {
    Error error = failed();
    close(copy);
    return error;
  }
  return std::unique_ptr<DescriptorInput>(new DescriptorInput(copy, wake_up));
}

DescriptorInput::DescriptorInput(int descriptor, int wake_up)
    : descriptor_(descriptor), wake_up_(wake_up) {
  constexpr int kBufferSize = 1 << 16;
  auto* buffer = static_cast<unsigned char*>(av_malloc(kBufferSize));
  const bool seekable = lseek(descriptor_, 0, SEEK_CUR) >= 0;
  if (buffer) {
    io_.reset(avio_alloc_context(buffer, kBufferSize, 0, this, &DescriptorInput::read, nullptr,
                                 seekable ? &DescriptorInput::seek : nullptr));
  }
  if (!io_) {
    av_free(buffer);
    close(descriptor_);
    close(wake_up_);
    throw std::bad_alloc();
  }
}

DescriptorInput::~DescriptorInput() {
  close(descriptor_);
  close(wake_up_);
}

void DescriptorInput::cancel() {
  const std::uint64_t one = 1;
  // Can only fail when the counter is full, and then it is readable.
  [[maybe_unused]] const ssize_t written = write(wake_up_, &one, sizeof(one));
}

int DescriptorInput::read(void* self, unsigned char* buffer, int size) {
  const auto& input = *static_cast<const DescriptorInput*>(self);
  for (;;) {
    std::array<pollfd, 2> waits{{{input.descriptor_, POLLIN, 0}, {input.wake_up_, POLLIN, 0}}};
    if (poll(waits.data(), waits.size(), -1) < 0) {
      if (errno == EINTR) continue;
      return AVERROR(errno);
    }
    if (waits[1].revents != 0) return AVERROR_EXIT;
    const ssize_t count = ::read(input.descriptor_, buffer, static_cast<std::size_t>(size));
    if (count > 0) return static_cast<int>(count);
    if (count == 0) return AVERROR_EOF;
    if (errno != EINTR && errno != EAGAIN) return AVERROR(errno);
  }
}

std::int64_t DescriptorInput::seek(void* self, std::int64_t offset, int whence) {
  const int descriptor = static_cast<const DescriptorInput*>(self)->descriptor_;
  if (whence == AVSEEK_SIZE) {
    struct stat status {};
    if (fstat(descriptor, &status) < 0) return AVERROR(errno);
    return S_ISREG(status.st_mode) ? status.st_size : AVERROR(ENOSYS);
  }
  const off_t place = lseek(descriptor, offset, whence & ~AVSEEK_FORCE);
  return place < 0 ? AVERROR(errno) : place;
}

}  // namespace osprey::media
