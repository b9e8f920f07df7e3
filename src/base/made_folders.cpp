// SPDX-License-Identifier: Apache-2.0
#include "base/made_folders.hpp"

#include <system_error>

#include "base/io_error.hpp"

namespace osprey::base {

namespace fs = std::filesystem;

void MadeFolders::RemoveEmpty::operator()(std::vector<fs::path>* folders) const {
  const std::unique_ptr<std::vector<fs::path>> owned(folders);
  std::error_code ignored;  // somebody else's file in there: then the folder stays
  for (auto folder = folders->rbegin(); folder != folders->rend(); ++folder) {
    fs::remove(*folder, ignored);
  }
}

Result<MadeFolders> MadeFolders::make(const fs::path& folder) {
  Made made(new std::vector<fs::path>);
  fs::path so_far;
  for (const fs::path& part : folder) {
    so_far /= part;
    std::error_code error;
    if (fs::is_directory(so_far, error)) continue;
    const bool is_ours = fs::create_directory(so_far, error);  // or somebody else's, just now
    if (error) return io_error(so_far.string() + ": cannot make the folder", error.value());
    if (is_ours) made->push_back(so_far);
  }
  return MadeFolders(std::move(made));
}

}  // namespace osprey::base
