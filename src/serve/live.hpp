// SPDX-License-Identifier: Apache-2.0
// What goes on until the viewer leaves: pictures and events.
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.hpp"
#include "serve/exchange.hpp"
#include "serve/query.hpp"
#include "serve/service.hpp"

namespace osprey::serve {

/// The newest picture again and again, multipart/x-mixed-replace, until the stream ends; a slow
/// viewer gets fewer.
void send_mjpeg(Viewer& viewer, Service& service, const std::string& stream,
                const PictureQuery& query);

/// Several streams' pictures, one connection: multipart/mixed, each part with X-Stream (with %XX)
/// and X-Sequence. One that ended may begin anew.
void send_live(Viewer& viewer, Service& service, base::Clock& clock, const LiveQuery& query);

/// Server-sent events, in order, each with its number as id; from the one after `last` on, or from
/// now if that is negative; all of them if the numbers began again below `last`. What is more than
/// 1000 events behind is left out.
void send_events(Viewer& viewer, Service& service, base::Clock& clock, std::int64_t last);

inline constexpr char kBoundary[] = "osprey-picture";

}  // namespace osprey::serve
