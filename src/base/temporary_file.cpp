// SPDX-License-Identifier: Apache-2.0
#include "base/temporary_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "base/file_writer.hpp"
#include "base/io_error.hpp"
#include "base/read_file.hpp"
#include "base/try.hpp"

namespace osprey::base {

namespace fs = std::filesystem;

namespace {
constexpr int kMostAttempts = 1000;            // part files of this process id, left by a crash
constexpr std::size_t kLongestNamePart = 200;  // of the 255 bytes a file name may have
}  // namespace

fs::path part_path(const fs::path& folder, const std::string& name, int n) {
  return folder / ("." + name.substr(0, kLongestNamePart) + ".part-" + std::to_string(::getpid()) +
                   "-" + std::to_string(n));
}

Result<TemporaryFile> TemporaryFile::create(const fs::path& target, const std::string& called) {
  TemporaryFile file;
  file.target_ = target;
  file.called_ = called;
  std::error_code ignored;
  if (fs::is_symlink(target, ignored)) {
    const fs::path led_to = fs::canonical(target, ignored);
    if (!led_to.empty()) file.target_ = led_to;
  }
  const fs::path& path = file.target_;
  if (!path.has_filename() || fs::is_directory(path, ignored)) {
    return Error{ErrorCode::kInvalidArgument,
                 "\"" + target.string() + "\": expected the name of a file, not of a folder"};
  }
  if (fs::exists(path, ignored) && !fs::is_regular_file(path, ignored)) return file;

  for (int n = 0;; ++n) {
    fs::path part = part_path(path.parent_path(), path.filename().string(), n);
    const int descriptor = ::open(part.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor >= 0) {
      ::close(descriptor);
      file.part_ = std::move(part);
      return file;
    }
    if (errno != EEXIST || n == kMostAttempts) return io_error(called, errno);
  }
}

TemporaryFile::TemporaryFile(TemporaryFile&& other) noexcept
    : target_(std::move(other.target_)),
      part_(std::exchange(other.part_, fs::path())),
      called_(std::move(other.called_)) {}

TemporaryFile::~TemporaryFile() {
  std::error_code ignored;
  if (!part_.empty()) fs::remove(part_, ignored);
}

Status TemporaryFile::copy_from(const fs::path& source) {
  auto writer = OSPREY_TRY(FileWriter::open(path(), O_WRONLY, called_));
  const auto content = OSPREY_TRY(read_file(source.string(), "a file that was made"));
  OSPREY_TRY(writer.write(content));
  return writer.close();
}

Status TemporaryFile::commit() {
  if (is_direct()) return {};
  std::error_code error;
  fs::rename(part_, target_, error);
  if (error) return io_error(called_, error.value());
  part_.clear();
  return {};
}

}  // namespace osprey::base
