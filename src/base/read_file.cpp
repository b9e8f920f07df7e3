// SPDX-License-Identifier: Apache-2.0
#include "base/read_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/io_error.hpp"

namespace osprey::base {

namespace {

constexpr std::uint64_t kStep = std::uint64_t{64} * 1024;

struct Descriptor {
  ~Descriptor() {
    if (value >= 0) ::close(value);
  }
  const int value;
};

}  // namespace

Result<std::string> read_file(const std::string& path, const std::string& what,
                              std::uint64_t most) {
  const auto wrong = [&](ErrorCode code, const std::string& found) {
    return Error{code, path + ": " + found + "; expected " + what};
  };
  const auto too_large = [&] {
    return Error{ErrorCode::kUnsupported, path + ": is too large; expected " + what +
                                              " of at most " + std::to_string(most) + " bytes"};
  };
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    const bool absent = errno == ENOENT || errno == ENOTDIR;
    return absent ? wrong(ErrorCode::kNotFound, "no such file") : io_error(path, errno);
  }
  if (S_ISDIR(status.st_mode)) return wrong(ErrorCode::kInvalidArgument, "is a folder");
  if (!S_ISREG(status.st_mode) && !S_ISFIFO(status.st_mode)) {
    return wrong(ErrorCode::kInvalidArgument, "is neither a file nor a pipe");
  }
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (size > most) return too_large();

  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.value < 0) return io_error(path, errno);
  std::string bytes(size + 1, '\0');  // one more, so that the end shows without growing
  std::size_t have = 0;
  for (;;) {
    const ssize_t n = ::read(file.value, bytes.data() + have, bytes.size() - have);
    if (n == 0) break;
    if (n < 0 && errno != EINTR) return io_error(path, errno);
    if (n > 0) have += static_cast<std::size_t>(n);
    if (have > most) return too_large();
    // A pipe, or a file that grew meanwhile.
    if (have == bytes.size()) bytes.resize(std::min(most + 1, std::max(2 * have, kStep)));
  }
  bytes.resize(have);
  return bytes;
}

}  // namespace osprey::base
