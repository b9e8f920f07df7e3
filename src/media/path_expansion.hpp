// SPDX-License-Identifier: Apache-2.0
// From a folder or a glob pattern to the files it stands for.
#pragma once

#include <osprey/result.hpp>

#include <string>
#include <vector>

namespace osprey::media {

/// True if `text` has one of the characters that make it a pattern: * ? [
bool is_glob(const std::string& text);

/// The regular files of `folder` (not of its sub-folders), in natural order, hidden ones left out.
/// Errors: cannot be listed.
Result<std::vector<std::string>> list_folder(const std::string& folder);

/// The regular files that match `pattern`, in natural order: * ? [] as the shell has them, and **
/// for any number of folders. Hidden files and folders only match what begins with a dot. Links to
/// folders are not followed by **. Folders that cannot be listed match nothing.
std::vector<std::string> expand_glob(const std::string& pattern);

}  // namespace osprey::media
