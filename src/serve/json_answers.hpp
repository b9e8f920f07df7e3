// SPDX-License-Identifier: Apache-2.0
// What a Service knows, as JSON; and shapes read from it. src/serve/openapi.json describes it.
#pragma once

#include <osprey/result.hpp>

#include <string>
#include <string_view>
#include <vector>

#include "serve/service.hpp"

namespace osprey::serve {

std::string to_json(const ServiceStatus& status);
std::string streams_json(const ServiceStatus& status);
std::string to_json(const StreamStatus& stream);
std::string to_json(const std::vector<StoredEvent>& events);
std::string to_json(const std::vector<Recording>& recordings);
std::string to_json(const std::vector<Shape>& shapes);

/// What to_json() of shapes writes. kInvalidArgument names the place and what was expected: at most
/// 64 shapes, a line's two points, a zone's 3 to 128, all of them within 0..1.
Result<std::vector<Shape>> parse_shapes(std::string_view json);

/// {"token": "..."}
Result<std::string> parse_login(std::string_view json);

}  // namespace osprey::serve
