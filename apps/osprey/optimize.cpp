// SPDX-License-Identifier: Apache-2.0
// osprey optimize: a network in operations that runtimes join.
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>

#include "base/try.hpp"
#include "commands.hpp"
#include "engine/optimisation.hpp"
#include "engine/options.hpp"
#include "terminal.hpp"

namespace osprey::cli {

namespace {

struct OptimizeCommand {
  explicit OptimizeCommand(CLI::App& command) {
    command.add_option("model", model, "an ONNX file")->required();
    command.add_option("-o,--output", output, "the ONNX file to write")
        ->required()
        ->option_text("FILE");
    command.add_option("--imgsz", imgsz, "of a network of open size: S or H,W")
        ->delimiter(',')
        ->expected(1, 2)
        ->check(CLI::Range(32, 16384));
  }

  Status run() const {
    OSPREY_TRY(engine::check_files({model}, {{"output", output}}));
    const auto done = OSPREY_TRY(engine::optimise(model, imgsz, output));
    if (done.changes.empty()) {
      std::fprintf(stderr, "nothing   in %s stands in a runtime's way; no file is written\n",
                   model.c_str());
      return {};
    }
    for (const auto& change : done.changes) std::fprintf(stderr, "changed   %s\n", change.c_str());
    double largest = 0;
    for (const auto& one : done.agreement) largest = std::max(largest, one.largest);
    std::fprintf(stderr, "same      outputs differ by %.1g of their largest value at most\n",
                 largest);
    std::fprintf(stderr, "wrote     %s\n", output.c_str());
    return {};
  }

  std::string model, output;
  std::vector<int> imgsz;
};

}  // namespace

void add_optimize(CLI::App& app, int& exit_code) {
  auto* command =
      app.add_subcommand("optimize", "rewrite an ONNX model so that runtimes join its steps");
  auto self = std::make_shared<OptimizeCommand>(*command);
  command->callback([self, &exit_code] {
    const auto status = self->run();
    exit_code = status ? kSuccess : fail(status.error());
  });
}

}  // namespace osprey::cli
