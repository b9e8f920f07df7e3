// SPDX-License-Identifier: Apache-2.0
// The order people expect of numbered files: img2 before img10.
#pragma once

#include <string_view>

namespace osprey::media {

/// True if path `a` comes before `b`: runs of digits compare as numbers of any length, a folder's
/// files stay together, the rest compares as bytes. A strict total order.
bool natural_less(std::string_view a, std::string_view b);

}  // namespace osprey::media
