// SPDX-License-Identifier: Apache-2.0
// Names of objects that no other object has.
#pragma once

#include <string>

#include "core/time.hpp"

namespace osprey::tracking {

/// The time in seconds, six places behind the point, and six random letters and digits:
/// "1764150000.123456-k3x9qd".
std::string make_object_id(WallTime time);

}  // namespace osprey::tracking
