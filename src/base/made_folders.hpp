// SPDX-License-Identifier: Apache-2.0
// Folders made for files to come, taken away again if those are abandoned.
#pragma once

#include <osprey/result.hpp>

#include <filesystem>
#include <memory>
#include <vector>

namespace osprey::base {

class MadeFolders {
 public:
  MadeFolders() = default;

  /// Makes `folder` and its parents where they are missing ("" is the current folder). Errors (kIo)
  /// name the folder that could not be made.
  static Result<MadeFolders> make(const std::filesystem::path& folder);

  /// From now on the folders stay. Without it, those made here are removed if they are empty.
  void keep() {
    if (made_) made_->clear();
  }

 private:
  struct RemoveEmpty {
    void operator()(std::vector<std::filesystem::path>* folders) const;
  };
  using Made = std::unique_ptr<std::vector<std::filesystem::path>, RemoveEmpty>;

  explicit MadeFolders(Made made) : made_(std::move(made)) {}

  Made made_;  ///< outermost first
};

}  // namespace osprey::base
