// SPDX-License-Identifier: Apache-2.0
// osprey options: the page docs/options.md is made of.
#include <CLI/CLI.hpp>

#include <cstdio>

#include "commands.hpp"
#include "engine/options.hpp"

namespace osprey::cli {

void add_options_page(CLI::App& app, int& exit_code) {
  app.add_subcommand("options", "print all settings as a Markdown page")->callback([&exit_code] {
    std::fputs(engine::options_as_markdown().c_str(), stdout);
    exit_code = kSuccess;
  });
}

}  // namespace osprey::cli
