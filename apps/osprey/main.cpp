// SPDX-License-Identifier: Apache-2.0
// osprey: finds objects in video.
#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "commands.hpp"
#include "engine/options.hpp"

namespace osprey::cli {

int fail(const Error& error) {
  std::fprintf(stderr, "osprey: %s\n", error.message.c_str());
  return error.code == ErrorCode::kCancelled ? kInterrupted : kFailure;
}

namespace {

// --save_txt and --save-txt are the same: Ultralytics' users type underscores.
std::vector<std::string> normalised(int argc, char** argv) {
  std::vector<std::string> arguments;
  for (int i = argc - 1; i > 0; --i) {  // CLI11 takes them last first
    std::string argument = argv[i];
    if (argument.starts_with("--")) {
      const auto end = std::min(argument.find('='), argument.size());
      std::replace(argument.begin(), argument.begin() + static_cast<std::ptrdiff_t>(end), '_', '-');
    }
    arguments.push_back(std::move(argument));
  }
  return arguments;
}

int run(int argc, char** argv) {
  CLI::App app("Finds objects in video and keeps every core busy doing it.", "osprey");
  app.set_version_flag("--version", "osprey " OSPREY_VERSION);
  app.require_subcommand(1);
  int exit_code = kSuccess;
  add_detect(app, exit_code);
  add_eval(app, exit_code);
  add_bench(app, exit_code);
  add_info(app, exit_code);
  add_doctor(app, exit_code);
  add_import(app, exit_code);
  add_export_rknn(app, exit_code);
  add_optimize(app, exit_code);
  add_quantize(app, exit_code);
  add_serve(app, exit_code);
  add_sim_model(app, exit_code);
  add_options_page(app, exit_code);
  std::vector<std::string> commands;
  for (const auto* command : app.get_subcommands({})) commands.push_back(command->get_name());
  if (argc > 1 && argv[1][0] != '-' &&
      std::find(commands.begin(), commands.end(), argv[1]) == commands.end()) {
    const std::vector<std::string_view> known(commands.begin(), commands.end());
    return fail({ErrorCode::kInvalidArgument, "unknown command '" + std::string(argv[1]) + "'" +
                                                  engine::suggestion(argv[1], known) +
                                                  "; see osprey --help"});
  }
  try {
    app.parse(normalised(argc, argv));
  } catch (const CLI::Success& asked) {  // --help, --version
    return app.exit(asked);
  } catch (const CLI::ParseError& e) {
    std::fprintf(stderr, "osprey: %s; see osprey --help\n", e.what());
    return kFailure;
  }
  if (exit_code == kSuccess && (std::fflush(stdout) != 0 || std::ferror(stdout) != 0)) {
    return fail({ErrorCode::kIo, "standard output: cannot be written"});
  }
  return exit_code;
}

// A file opened later must not take the number of a closed standard stream: results or messages
// would go into it. These fail when used, as the closed ones would.
void fill_closed_standard_streams() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(stream, F_GETFD) < 0) open("/dev/null", stream == STDIN_FILENO ? O_WRONLY : O_RDONLY);
  }
}

}  // namespace
}  // namespace osprey::cli

int main(int argc, char** argv) {
  osprey::cli::fill_closed_standard_streams();
  return osprey::cli::run(argc, argv);
}
