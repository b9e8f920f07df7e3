// SPDX-License-Identifier: Apache-2.0
#include "sinks/staging_folder.hpp"

#include <fcntl.h>

#include <system_error>
#include <utility>

#include "base/file_writer.hpp"
#include "base/io_error.hpp"
#include "base/temporary_file.hpp"
#include "base/try.hpp"

namespace osprey::sinks {

namespace fs = std::filesystem;

void StagingFolder::RemoveAll::operator()(fs::path* path) const {
  std::error_code ignored;
  fs::remove_all(*path, ignored);
  delete path;
}

StagingFolder::StagingFolder(base::MadeFolders made, fs::path folder, Staging staging)
    : made_(std::move(made)), folder_(std::move(folder)), staging_(std::move(staging)) {}

Result<StagingFolder> StagingFolder::create(const fs::path& folder) {
  base::MadeFolders made = OSPREY_TRY(base::MadeFolders::make(folder));
  for (int n = 0;; ++n) {
    fs::path part = base::part_path(folder, "osprey", n);
    std::error_code error;
    if (fs::create_directory(part, error)) {
      return StagingFolder(std::move(made), folder, Staging(new fs::path(std::move(part))));
    }
    if (error) {
      return base::io_error(folder.string() + ": cannot write there", error.value());
    }
  }
}

Status StagingFolder::write(const std::string& name, std::string_view bytes) {
  base::FileWriter writer = OSPREY_TRY(base::FileWriter::open(
      staged(name), O_WRONLY | O_CREAT | O_TRUNC, (folder_ / name).string()));
  OSPREY_TRY(writer.write(bytes));
  return writer.close();
}

void StagingFolder::remove(const std::string& name) {
  std::error_code ignored;
  if (fs::exists(folder_ / name, ignored)) outdated_.push_back(name);
}

Status StagingFolder::commit() {
  std::error_code error;
  fs::directory_iterator staged_files(*staging_, error), end;
  for (; !error && staged_files != end; staged_files.increment(error)) {
    const fs::path target = folder_ / staged_files->path().filename();
    fs::rename(staged_files->path(), target, error);
    if (error) return base::io_error(target.string(), error.value());
  }
  if (error) return base::io_error(folder_.string(), error.value());
  for (const std::string& name : outdated_) fs::remove(folder_ / name, error);
  made_.keep();
  staging_.reset();
  return {};
}

}  // namespace osprey::sinks
