// SPDX-License-Identifier: Apache-2.0
// How all is at one moment, for the server, the terminal and brokers.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "live/streams.hpp"
#include "live/window.hpp"
#include "serve/service.hpp"

namespace osprey::live {

/// Lanes and streams; `streams` may be null while models are compiled.
void put_streams(serve::ServiceStatus& status, const std::vector<std::shared_ptr<Camera>>& cameras,
                 const Streams* streams, const Window& window);

/// "2 streams, 29.7 of 30.0 fps, lanes 61 %, frames up to 0.12 s old".
std::string as_line(const serve::ServiceStatus& status);
/// What became of everything, some lines.
std::string as_summary(const serve::ServiceStatus& status);

}  // namespace osprey::live
