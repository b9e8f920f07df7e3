// SPDX-License-Identifier: Apache-2.0
// The subcommands: each adds itself to the command line and runs when it was chosen.
#pragma once

#include <osprey/result.hpp>

namespace CLI {
class App;
}

namespace osprey::cli {

inline constexpr int kSuccess = 0;
inline constexpr int kFailure = 2;
inline constexpr int kInterrupted = 130;  ///< as shells report an interrupt

/// `exit_code` is set when the subcommand ran.
void add_detect(CLI::App& app, int& exit_code);
void add_eval(CLI::App& app, int& exit_code);
void add_bench(CLI::App& app, int& exit_code);
void add_info(CLI::App& app, int& exit_code);
void add_doctor(CLI::App& app, int& exit_code);
void add_import(CLI::App& app, int& exit_code);
void add_export_rknn(CLI::App& app, int& exit_code);
void add_optimize(CLI::App& app, int& exit_code);
void add_quantize(CLI::App& app, int& exit_code);
void add_serve(CLI::App& app, int& exit_code);
void add_sim_model(CLI::App& app, int& exit_code);
void add_options_page(CLI::App& app, int& exit_code);

/// Prints "osprey: message" on standard error and gives the exit code for it.
int fail(const Error& error);

}  // namespace osprey::cli
