// SPDX-License-Identifier: Apache-2.0
// Whole files in and out of memory.
#pragma once

#include <osprey/result.hpp>

#include <string>
#include <string_view>

namespace osprey::onnx {

/// The content of a regular file, at least one byte and at most 2 GiB - 1. Errors name `path` and
/// `what` was expected there ("an ONNX file"): absent, a folder, empty, too large, unreadable.
Result<std::string> read_file(const std::string& path, const std::string& what);

/// Replaces `path` in one step, through a temporary file in the same folder that goes away on
/// failure.
Status write_file(const std::string& path, std::string_view bytes);

}  // namespace osprey::onnx
