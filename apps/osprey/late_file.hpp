// SPDX-License-Identifier: Apache-2.0
// A file to be written at the end, opened before the work begins.
#pragma once

#include <osprey/result.hpp>

#include <optional>
#include <string>

#include "base/atomic_file.hpp"
#include "base/try.hpp"

namespace osprey::cli {

class LateFile {
 public:
  /// "" and "-" are no files.
  Status open(const std::string& path) {
    if (!path.empty() && path != "-") file_.emplace(OSPREY_TRY(base::AtomicFile::create(path)));
    return {};
  }
  bool is_open() const { return file_.has_value(); }
  Status write(const std::string& text) {
    OSPREY_TRY(file_->write(text));
    return file_->commit();
  }

 private:
  std::optional<base::AtomicFile> file_;
};

}  // namespace osprey::cli
