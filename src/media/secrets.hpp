// SPDX-License-Identifier: Apache-2.0
// URLs as they may be shown.
#pragma once

#include <string>

namespace osprey::media {

/// `uri` without what lets somebody in: user and password before the host, and the values of
/// parameters that are called like one (password, token, ...), which become "***". What is no URL
/// is given back as it is.
std::string without_secrets(const std::string& uri);

}  // namespace osprey::media
