// SPDX-License-Identifier: Apache-2.0
// A file that is put together under a temporary name and renamed when it is complete.
#pragma once

#include <osprey/result.hpp>

#include <filesystem>
#include <string>

namespace osprey::base {

/// Removes the temporary file unless it was committed. A file that was there before keeps its
/// content until then; a link stays, and what it leads to is replaced. A device or pipe cannot be
/// replaced: it is its own temporary file, and commit() does nothing. Not synced to disk: a file
/// survives the program's end, not a power cut. Threads: one.
class TemporaryFile {
 public:
  /// Makes an empty ".<name>.part-<process>-<n>" in `target`'s folder. `called` is what errors
  /// begin with. Errors: `target` is empty or a folder (kInvalidArgument); its folder is not there
  /// or cannot be written to (kIo).
  static Result<TemporaryFile> create(const std::filesystem::path& target,
                                      const std::string& called);

  /// None: commit() does nothing.
  TemporaryFile() = default;
  TemporaryFile(TemporaryFile&& other) noexcept;
  TemporaryFile& operator=(TemporaryFile&&) = delete;
  ~TemporaryFile();

  /// Where to write, without O_CREAT.
  const std::filesystem::path& path() const { return is_direct() ? target_ : part_; }

  /// Whether what is written is seen at once: there is no temporary file.
  bool is_direct() const { return part_.empty(); }

  /// Fills it with another file's content. Errors: neither readable nor writable.
  Status copy_from(const std::filesystem::path& source);

  /// Gives the file its name, in place of what was there. To be called once it is closed.
  Status commit();

 private:
  std::filesystem::path target_;
  std::filesystem::path part_;  ///< empty if there is none, once renamed or moved from
  std::string called_;
};

/// "<folder>/.<name>.part-<process>-<n>": where the `n`-th attempt at `name` is put together.
std::filesystem::path part_path(const std::filesystem::path& folder, const std::string& name,
                                int n);

}  // namespace osprey::base
