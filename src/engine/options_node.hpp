// SPDX-License-Identifier: Apache-2.0
// Settings in a part of a YAML document.
#pragma once

#include <osprey/result.hpp>

#include <string>

#include "engine/options.hpp"

namespace YAML {  // NOLINT(readability-identifier-naming): theirs
class Node;
}

namespace osprey::engine {

/// As read_yaml() reads a file: `settings` is a map; `path` is for errors.
Status read_settings(const std::string& path, const YAML::Node& settings, Options& options);

}  // namespace osprey::engine
