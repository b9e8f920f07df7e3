// SPDX-License-Identifier: Apache-2.0
// A Service's numbers for Prometheus.
#pragma once

#include <string>

#include "serve/service.hpp"

namespace osprey::serve {

/// In the text format 0.0.4. docs/server.md lists the names.
std::string metrics_text(const ServiceStatus& status);

}  // namespace osprey::serve
