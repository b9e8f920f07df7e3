// SPDX-License-Identifier: Apache-2.0
// A file that appears under its name whole or not at all.
#pragma once

#include <osprey/result.hpp>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "sinks/file_writer.hpp"
#include "sinks/made_folders.hpp"

namespace osprey::sinks {

/// Bytes go to ".<name>.part-<process>-<n>" in the same folder; commit() renames. A file that was
/// there before keeps its content until then. A device or pipe cannot be replaced and is written
/// directly. Not synced to disk: it survives the program's end, not a power cut. Threads: one.
class AtomicFile {
 public:
  /// Makes missing folders; they go away again with an abandoned file. Errors: `path` is empty or a
  /// folder; its folder cannot be made or written to.
  static Result<AtomicFile> create(const std::filesystem::path& path);

  /// What is written directly from the start; commit() flushes.
  static AtomicFile direct(FileWriter writer);

  /// Buffered; but what is written directly goes out at once, as somebody may be reading it.
  Status write(std::string_view bytes);
  Status commit();

 private:
  struct Unlink {
    void operator()(std::filesystem::path* path) const;
  };
  using Temporary = std::unique_ptr<std::filesystem::path, Unlink>;

  AtomicFile(MadeFolders folders, Temporary temporary, std::filesystem::path target,
             FileWriter writer);

  MadeFolders folders_;
  Temporary temporary_;  ///< null when writing directly
  std::filesystem::path target_;
  FileWriter writer_;
};

/// "<folder>/.<name>.part-<process>-<n>": where the `n`-th attempt at `name` is put together.
std::filesystem::path part_path(const std::filesystem::path& folder, const std::string& name,
                                int n);

}  // namespace osprey::sinks
