// SPDX-License-Identifier: Apache-2.0
// The page that shows what quantising did.
#pragma once

#include <string_view>

namespace osprey::cli {

/// With "/*data*/null" where the JSON goes.
extern const std::string_view kQuantizePage;

}  // namespace osprey::cli
