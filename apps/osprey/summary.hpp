// SPDX-License-Identifier: Apache-2.0
// A run in words: while it goes on, and at its end.
#pragma once

#include <string>

#include "engine/detect_run.hpp"
#include "terminal.hpp"

namespace osprey::cli {

/// Most memory that the process has had so far, MB.
double peak_memory_mb();

/// Frames done, rate, objects, time left.
void show_progress(ProgressLine& line, const engine::RunReport& report);

/// What was found, how fast, what held it back, and what to do about that. Several lines.
std::string summary(const engine::RunReport& report, const engine::RunModels& models,
                    bool interrupted);

}  // namespace osprey::cli
