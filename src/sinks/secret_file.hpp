// SPDX-License-Identifier: Apache-2.0
// Passwords and tokens, which are not to be in a configuration file.
#pragma once

#include <osprey/result.hpp>

#include <algorithm>
#include <string>

#include "base/read_file.hpp"
#include "base/try.hpp"

namespace osprey::sinks {

/// The first line of a file. Errors: those of base::read_file(), and an empty line; they do not say
/// what is in it.
inline Result<std::string> read_secret(const std::string& path, const std::string& what) {
  std::string secret = OSPREY_TRY(base::read_file(path, what, 64 << 10));
  secret.resize(std::min(secret.find_first_of("\r\n"), secret.size()));
  if (secret.empty() || secret.find('\0') != std::string::npos) {
    return Error{ErrorCode::kInvalidArgument, path + ": expected " + what + " in its first line"};
  }
  return secret;
}

}  // namespace osprey::sinks
