// SPDX-License-Identifier: Apache-2.0
// A source of separate pictures: one file, or a list of them.
#pragma once

#include <string>
#include <vector>

#include "media/source.hpp"

namespace osprey::media {

/// The one picture at `path`. Errors: cannot be read or decoded.
Result<std::unique_ptr<Source>> open_picture(const std::string& uri, const std::string& path,
                                             std::uint32_t stream);

/// The pictures among `files`, in this order; the others are counted as passed over. One that
/// cannot be decoded is counted as damaged. Errors: no picture among them, or none that can be
/// decoded.
Result<std::unique_ptr<Source>> open_pictures(const std::string& uri,
                                              std::vector<std::string> files, std::uint32_t stream);

}  // namespace osprey::media
