// SPDX-License-Identifier: Apache-2.0
// What the system says about a file, as an Error.
#pragma once

#include <osprey/result.hpp>

#include <string>
#include <system_error>

namespace osprey::base {

/// kIo: `name`, ": " and the words for `error_number` (an errno).
inline Error io_error(const std::string& name, int error_number) {
  return {ErrorCode::kIo, name + ": " + std::generic_category().message(error_number)};
}

}  // namespace osprey::base
