// SPDX-License-Identifier: Apache-2.0
// The folder of recordings: how its files are called, which there are, which have to go.
#pragma once

#include <osprey/result.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/time.hpp"

namespace osprey::media {

struct Recording {
  std::string name;  ///< the file's, without its folder
  std::string camera;
  std::string event;
  WallTime begin;  ///< of the first picture
  std::uint64_t bytes = 0;
};

/// "<camera>_<20261231T235959.123Z>_<event><suffix>". What is no letter, digit, '.', '-' or, in the
/// camera's name, '_' becomes '-'; no more than 60 characters of each.
std::string recording_name(const std::string& camera, WallTime begin, const std::string& event,
                           const std::string& suffix);

/// What a name says; nothing if recording_name() does not make such names.
std::optional<Recording> parse_recording_name(const std::string& name);

/// The name that a temporary file will have (see PacketFile); nothing if it is none of ours.
std::optional<Recording> parse_part_name(const std::string& name);

/// Those that are complete, newest first; other files are passed over. A folder that is not there
/// is empty. Errors: it cannot be read.
Result<std::vector<Recording>> list_recordings(const std::filesystem::path& folder);

/// The path of a complete recording. `name` may be anything a stranger sent. kNotFound.
Result<std::filesystem::path> find_recording(const std::filesystem::path& folder,
                                             const std::string& name);

struct Retention {
  std::chrono::seconds keep{0};  ///< since a recording's begin; 0: for ever
  std::uint64_t max_bytes = 0;   ///< of all recordings in the folder; 0: no limit
};

/// Removes the oldest recordings, whichever camera's, until the rest is within `retention`; how
/// many. What is being written counts, and stays. Other files do not count, also those that a
/// killed process left: a large one would have all recordings removed in its place.
Result<std::uint64_t> remove_old_recordings(const std::filesystem::path& folder,
                                            const Retention& retention, WallTime now);

}  // namespace osprey::media
