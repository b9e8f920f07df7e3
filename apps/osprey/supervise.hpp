// SPDX-License-Identifier: Apache-2.0
// Watches a run from the command's thread: progress, interrupts, the end.
#pragma once

#include <osprey/result.hpp>

#include <functional>

#include "base/clock.hpp"
#include "engine/detect_run.hpp"

namespace osprey::cli {

/// Ctrl-C and SIGTERM reach supervise() from now on and nothing else. Call before any thread is
/// started: threads inherit it.
void hold_interrupts();

/// Whether Ctrl-C or SIGTERM came, after hold_interrupts(), where nothing supervises.
bool interrupt_is_pending();

/// Waits for the run's end. Calls `progress` now and then. The first Ctrl-C interrupts the run, the
/// second also drops what is in flight.
Status supervise(engine::DetectRun& run, base::Clock& clock, std::chrono::milliseconds interval,
                 const std::function<void()>& progress);

}  // namespace osprey::cli
