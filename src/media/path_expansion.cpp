// SPDX-License-Identifier: Apache-2.0
#include "media/path_expansion.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <span>
#include <system_error>

#include "media/natural_order.hpp"

namespace osprey::media {
namespace {

namespace fs = std::filesystem;

bool is_hidden(const fs::path& path) {
  return path.filename().native().starts_with('.');
}

/// The paths in `folder` ("" is the current one), as far as they can be read.
std::vector<fs::path> entries(const fs::path& folder, std::error_code& error) {
  std::vector<fs::path> found;
  fs::directory_iterator it(folder.empty() ? fs::path(".") : folder, error);
  for (; !error && it != fs::directory_iterator(); it.increment(error)) {
    found.push_back(folder / it->path().filename());
  }
  return found;
}

bool is_file(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

bool is_folder(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path.empty() ? fs::path(".") : path, error);
}

/// Adds what `parts` match below `base`.
void match(const fs::path& base, std::span<const fs::path> parts, std::vector<std::string>& found) {
  if (parts.empty()) {
    if (is_file(base)) found.push_back(base.string());
    return;
  }
  const std::string& part = parts.front().native();
  const auto rest = parts.subspan(1);
  if (!is_glob(part)) {
    match(base / part, rest, found);
    return;
  }
  if (!is_folder(base)) return;
  std::error_code ignored;
  if (part == "**") {
    match(base, rest, found);
    for (const fs::path& entry : entries(base, ignored)) {
      if (!is_hidden(entry) && is_folder(entry) && !fs::is_symlink(entry, ignored)) {
        match(entry, parts, found);
      }
    }
    return;
  }
  for (const fs::path& entry : entries(base, ignored)) {
    if (fnmatch(part.c_str(), entry.filename().c_str(), FNM_PERIOD) == 0) match(entry, rest, found);
  }
}

}  // namespace

bool is_glob(const std::string& text) {
  return text.find_first_of("*?[") != std::string::npos;
}

Result<std::vector<std::string>> list_folder(const std::string& folder) {
  std::error_code error;
  std::vector<std::string> files;
  for (const fs::path& entry : entries(folder, error)) {
    if (!is_hidden(entry) && is_file(entry)) files.push_back(entry.string());
  }
  if (error) return Error{ErrorCode::kIo, folder + ": cannot be listed: " + error.message()};
  std::sort(files.begin(), files.end(), natural_less);
  return files;
}

std::vector<std::string> expand_glob(const std::string& pattern) {
  const fs::path path(pattern);
  std::vector<fs::path> parts;
  for (const fs::path& part : path.relative_path()) {
    // "**/**" is "**", but would find everything twice.
    if (part != "**" || parts.empty() || parts.back() != "**") parts.push_back(part);
  }
  std::vector<std::string> files;
  match(path.root_path(), parts, files);
  std::sort(files.begin(), files.end(), natural_less);
  files.erase(std::unique(files.begin(), files.end()), files.end());
  return files;
}

}  // namespace osprey::media
