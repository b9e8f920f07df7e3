// SPDX-License-Identifier: Apache-2.0
// The place of the outbox's file.
#pragma once

#include <unistd.h>
#include <osprey/result.hpp>

#include <cerrno>
#include <filesystem>
#include <string>
#include <system_error>

#include "base/io_error.hpp"

namespace osprey::outbox {

/// Whether `path` is, or can become, a file of ours: what a person must mend is told at once.
inline Status check_place(const std::string& path) {
  std::error_code error;
  const auto kind = std::filesystem::status(path, error).type();
  if (kind != std::filesystem::file_type::regular &&
      kind != std::filesystem::file_type::not_found) {
    return Error{ErrorCode::kInvalidArgument, path + ": expected a file, or nothing yet"};
  }
  const auto folder = std::filesystem::absolute(path, error).parent_path().string();
  if (::access(folder.c_str(), W_OK | X_OK) != 0) return base::io_error(folder, errno);
  const bool is_there = kind == std::filesystem::file_type::regular;
  if (is_there && ::access(path.c_str(), R_OK | W_OK) != 0) return base::io_error(path, errno);
  return {};
}

/// Moves a database and its log aside.
inline Status move_aside(const std::string& path) {
  constexpr int kKept = 3;
  std::error_code error;
  int n = 1;
  while (n < kKept && std::filesystem::exists(path + ".damaged-" + std::to_string(n), error)) ++n;
  const std::string aside = path + ".damaged-" + std::to_string(n);
  for (const char* part : {"-wal", "-shm", "-journal", ""}) {
    std::filesystem::remove(aside + part, error);
    if (!std::filesystem::exists(path + part, error)) continue;
    std::filesystem::rename(path + part, aside + part, error);
    if (error) {
      return Error{ErrorCode::kIo,
                   path + part + ": damaged, and cannot be moved aside: " + error.message()};
    }
  }
  return {};
}

}  // namespace osprey::outbox
