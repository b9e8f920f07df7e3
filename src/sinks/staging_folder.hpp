// SPDX-License-Identifier: Apache-2.0
// Many files that appear in a folder together, or not at all.
#pragma once

#include <osprey/result.hpp>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/made_folders.hpp"

namespace osprey::sinks {

/// Files are made in "<folder>/.osprey.part-<process>-<n>/"; commit() moves them into <folder>,
/// over files of the same name. Threads: one.
class StagingFolder {
 public:
  /// Makes missing folders; they go away again with an abandoned staging folder. Errors name
  /// `folder` and why nothing can be written there.
  static Result<StagingFolder> create(const std::filesystem::path& folder);

  /// Where to make the file that will be `folder() / name`.
  std::filesystem::path staged(const std::string& name) const { return *staging_ / name; }

  /// Writes one whole file; errors name the final file.
  Status write(const std::string& name, std::string_view bytes);

  /// At commit(), removes an earlier run's file of this name.
  void remove(const std::string& name);

  Status commit();

  const std::filesystem::path& folder() const { return folder_; }

 private:
  struct RemoveAll {
    void operator()(std::filesystem::path* path) const;
  };
  using Staging = std::unique_ptr<std::filesystem::path, RemoveAll>;

  StagingFolder(base::MadeFolders made, std::filesystem::path folder, Staging staging);

  base::MadeFolders made_;
  std::filesystem::path folder_;
  Staging staging_;
  std::vector<std::string> outdated_;
};

}  // namespace osprey::sinks
