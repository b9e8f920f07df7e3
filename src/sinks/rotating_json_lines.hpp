// SPDX-License-Identifier: Apache-2.0
// JSON Lines without an end: what is old makes room.
#pragma once

#include <osprey/result.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sinks/sink.hpp"

namespace osprey::sinks {

struct RotationOptions {
  std::uint64_t max_bytes = 100U << 20;  ///< of a file; 4 KiB or more
  int keep = 5;                          ///< files beside the one written to; 0 to 1000
};

/// Lines as json_lines.hpp has them, in a file that is there from the start: each can be read at
/// once. A line that would make it longer than it may be moves it to "<path>.1" first, that to
/// "<path>.2", and so on; the last goes. A file that is there is gone on with; a line at its end
/// that is not whole, of a process that was killed or a disk that was full, is taken away.
///
/// A failing write() leaves no part of its line behind, and the next may succeed. Errors: those of
/// the options, or no file that can be moved (kInvalidArgument); it cannot be made or written
/// (kIo).
Result<std::unique_ptr<Sink>> create_rotating_json_lines(
    const std::string& path, const std::vector<std::string>& names, const RotationOptions& options,
    const std::vector<std::string>& models = {});

}  // namespace osprey::sinks
