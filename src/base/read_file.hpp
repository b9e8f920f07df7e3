// SPDX-License-Identifier: Apache-2.0
// Whole files into memory.
#pragma once

#include <osprey/result.hpp>

#include <cstdint>
#include <limits>
#include <string>

namespace osprey::base {

/// What a file holds, or a pipe until its end. Errors name `path` and `what` was expected there
/// ("an ONNX model"): absent (kNotFound), a folder or device (kInvalidArgument), more than `most`
/// bytes (kUnsupported; before any is read, if the file's size says so), unreadable (kIo).
Result<std::string> read_file(const std::string& path, const std::string& what,
                              std::uint64_t most = std::numeric_limits<std::int32_t>::max());

}  // namespace osprey::base
