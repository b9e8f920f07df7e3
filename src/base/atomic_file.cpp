// SPDX-License-Identifier: Apache-2.0
#include "base/atomic_file.hpp"

#include <fcntl.h>

#include <string>
#include <utility>

#include "base/try.hpp"

namespace osprey::base {

AtomicFile::AtomicFile(MadeFolders folders, TemporaryFile file, FileWriter writer)
    : folders_(std::move(folders)), file_(std::move(file)), writer_(std::move(writer)) {}

Result<AtomicFile> AtomicFile::create(const std::filesystem::path& path) {
  const std::string name = path.string();
  MadeFolders folders = OSPREY_TRY(MadeFolders::make(path.parent_path()));
  TemporaryFile file = OSPREY_TRY(TemporaryFile::create(path, name));
  FileWriter writer = OSPREY_TRY(FileWriter::open(file.path(), O_WRONLY, name));
  return AtomicFile(std::move(folders), std::move(file), std::move(writer));
}

AtomicFile AtomicFile::direct(FileWriter writer) {
  return AtomicFile({}, {}, std::move(writer));
}

Status AtomicFile::write(std::string_view bytes) {
  OSPREY_TRY(writer_.write(bytes));
  return file_.is_direct() ? writer_.flush() : Status{};
}

Status AtomicFile::commit() {
  OSPREY_TRY(writer_.close());
  OSPREY_TRY(file_.commit());
  folders_.keep();
  return {};
}

}  // namespace osprey::base
