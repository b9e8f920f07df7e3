// SPDX-License-Identifier: Apache-2.0
#include "sinks/atomic_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <system_error>
#include <utility>

#include "base/try.hpp"

namespace osprey::sinks {

namespace fs = std::filesystem;

namespace {
constexpr int kMostAttempts = 1000;            // part files of this process id, left by a crash
constexpr std::size_t kLongestNamePart = 200;  // of the 255 bytes a file name may have
}  // namespace

fs::path part_path(const fs::path& folder, const std::string& name, int n) {
  return folder / ("." + name.substr(0, kLongestNamePart) + ".part-" + std::to_string(::getpid()) +
                   "-" + std::to_string(n));
}

void AtomicFile::Unlink::operator()(fs::path* path) const {
  std::error_code ignored;
  fs::remove(*path, ignored);
  delete path;
}

AtomicFile::AtomicFile(MadeFolders folders, Temporary temporary, fs::path target, FileWriter writer)
    : folders_(std::move(folders)),
      temporary_(std::move(temporary)),
      target_(std::move(target)),
      writer_(std::move(writer)) {}

Result<AtomicFile> AtomicFile::create(const fs::path& path) {
  std::error_code ignored;
  fs::path target = path;
  if (fs::is_symlink(path, ignored)) {  // replace the file it leads to, not the link
    const fs::path led_to = fs::canonical(path, ignored);
    if (!led_to.empty()) target = led_to;
  }
  if (!target.has_filename() || fs::is_directory(target, ignored)) {
    return Error{ErrorCode::kInvalidArgument,
                 "\"" + path.string() + "\": expected the name of a file, not of a folder"};
  }
  if (fs::exists(target, ignored) && !fs::is_regular_file(target, ignored)) {
    return direct(OSPREY_TRY(FileWriter::open(target, O_WRONLY, path.string())));
  }

  MadeFolders folders = OSPREY_TRY(MadeFolders::make(target.parent_path()));
  for (int n = 0;; ++n) {
    fs::path part = part_path(target.parent_path(), target.filename().string(), n);
    auto writer = FileWriter::open(part, O_WRONLY | O_CREAT | O_EXCL, path.string());
    if (writer.ok()) {
      Temporary temporary(new fs::path(std::move(part)));
      return AtomicFile(std::move(folders), std::move(temporary), target,
                        std::move(writer).value());
    }
    if (n == kMostAttempts || !fs::exists(part, ignored)) return std::move(writer).error();
  }
}

AtomicFile AtomicFile::direct(FileWriter writer) {
  return AtomicFile({}, nullptr, {}, std::move(writer));
}

Status AtomicFile::write(std::string_view bytes) {
  OSPREY_TRY(writer_.write(bytes));
  return temporary_ ? Status{} : writer_.flush();
}

Status AtomicFile::commit() {
  OSPREY_TRY(writer_.close());
  if (temporary_) {
    std::error_code error;
    fs::rename(*temporary_, target_, error);
    if (error) return io_error(target_.string(), error.value());
    delete temporary_.release();
  }
  folders_.keep();
  return {};
}

}  // namespace osprey::sinks
