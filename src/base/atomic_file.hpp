// SPDX-License-Identifier: Apache-2.0
// A file, written from here, that appears under its name whole or not at all.
#pragma once

#include <osprey/result.hpp>

#include <filesystem>
#include <string_view>

#include "base/file_writer.hpp"
#include "base/made_folders.hpp"
#include "base/temporary_file.hpp"

namespace osprey::base {

/// A TemporaryFile with a writer, in a folder that is made if it is missing. Threads: one.
class AtomicFile {
 public:
  /// The folders made go away again with an abandoned file. Errors: `path` is empty or a folder;
  /// its folder cannot be made or written to.
  static Result<AtomicFile> create(const std::filesystem::path& path);

  /// What is written directly from the start; commit() flushes.
  static AtomicFile direct(FileWriter writer);

  /// Buffered; but what is written directly goes out at once, as somebody may be reading it.
  Status write(std::string_view bytes);
  Status commit();

 private:
  AtomicFile(MadeFolders folders, TemporaryFile file, FileWriter writer);

  MadeFolders folders_;
  TemporaryFile file_;
  FileWriter writer_;
};

}  // namespace osprey::base
