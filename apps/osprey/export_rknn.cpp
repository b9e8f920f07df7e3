// SPDX-License-Identifier: Apache-2.0
// osprey export-rknn: an ONNX model as a file for Rockchip's NPUs.
#include <CLI/CLI.hpp>

#include <chrono>
#include <cstdio>

#include "base/try.hpp"
#include "commands.hpp"
#include "engine/options.hpp"
#include "engine/rknn_export.hpp"
#include "supervise.hpp"
#include "terminal.hpp"

namespace osprey::cli {

namespace {

struct ExportCommand {
  explicit ExportCommand(CLI::App& command) {
    command.add_option("model", asked.model,
                       "an ONNX file, as osprey quantize --target rk3588 writes it");
    command.add_option("-o,--output", asked.output, "the .rknn file to write")->option_text("FILE");
    command.add_option("--platform", asked.platform, "the chip it is for")
        ->check(CLI::IsMember({"rk3562", "rk3566", "rk3568", "rk3576", "rk3588"}));
    command
        .add_option("--data", asked.data,
                    "pictures to check the result with; default: a few made-up ones")
        ->option_text("SOURCE");
    command
        .add_option("--toolkit", asked.toolkit,
                    "a Python environment with rknn-toolkit2; default: one in the cache folder")
        ->option_text("DIR");
    command.add_flag("--install", install, "make that environment first, from PyPI: 5.6 GB");
    command.add_flag("--quiet", quiet, "no progress and no summary");
  }

  Status run() {
    if (asked.model.empty() && !install) {
      return Error{ErrorCode::kInvalidArgument,
                   "no model given; expected osprey export-rknn MODEL -o FILE"};
    }
    if (!asked.model.empty() && asked.output.empty()) {
      return Error{ErrorCode::kInvalidArgument, "--output: expected the .rknn file to write"};
    }
    OSPREY_TRY(engine::check_files({asked.model, asked.data}, {{"output", asked.output}}));
    hold_interrupts();
    const auto start = std::chrono::steady_clock::now();
    ProgressLine line(quiet);
    asked.progress = [&](const std::string& what) {
      const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - start;
      line.update(0, format("%s, %.0f s", what.c_str(), passed.count()));
      return !interrupt_is_pending();
    };
    if (install) {
      const auto folder = asked.toolkit.empty() ? engine::default_toolkit() : asked.toolkit;
      const auto installed = engine::install_toolkit(folder, asked.progress);
      line.clear();
      if (!installed) return installed.error();
      if (!quiet) std::fprintf(stderr, "installed %s\n", folder.c_str());
      if (asked.model.empty()) return {};
    }
    const auto done = engine::export_rknn(asked);
    line.clear();
    if (!done) return done.error();
    if (!quiet) tell(*done);
    warn(*done);
    return {};
  }

  void tell(const engine::RknnExport& done) const {
    for (const auto& [step, count] : done.steps) {
      std::fprintf(stderr, "steps     %3d %s\n", count, step.c_str());
    }
    for (const auto& one : done.agreement) {
      std::fprintf(stderr,
                   "agrees    %s: cosine %.4f of the toolkit's simulator with OpenVINO, signal to "
                   "noise %.1f dB\n",
                   one.output.c_str(), one.cosine, one.snr_db);
    }
    std::fprintf(stderr, "wrote     %s\n", asked.output.c_str());
  }

  void warn(const engine::RknnExport& done) const {
    int fused = 0, in_float = 0, on_processor = 0;
    for (const auto& [step, count] : done.steps) {
      if (step.rfind("ConvExSwish", 0) == 0) fused += count;
      if (step.find("FLOAT16") != std::string::npos) in_float += count;
      if (step.find(" CPU") != std::string::npos) on_processor += count;
    }
    const auto say = [](const std::string& text) {
      std::fprintf(stderr, "warning   %s\n", text.c_str());
    };
    if (in_float > 0) {
      say(
          format("%d steps compute in float16; osprey quantize --target rk3588 makes INT8 of a "
                 "model's floats",
                 in_float));
    }
    if (on_processor > 0) say(format("%d steps run on the processor", on_processor));
    if (fused < done.silus) {
      say(format("%d of %d SiLUs are part of a convolution; see osprey info --fusion", fused,
                 done.silus));
    }
    for (const auto& one : done.agreement) {
      if (one.cosine >= engine::kPoorCosine) continue;
      say(format("%s: the simulator does not say what OpenVINO says: cosine %.3f",
                 one.output.c_str(), one.cosine));
    }
    if (done.names_left_out) {
      say("the names of the classes do not fit into the file; give osprey --names FILE");
    }
  }

  engine::RknnExportOptions asked;
  bool install = false, quiet = false;
};

}  // namespace

void add_export_rknn(CLI::App& app, int& exit_code) {
  auto* command =
      app.add_subcommand("export-rknn", "turn an ONNX model into one for Rockchip's NPUs");
  auto self = std::make_shared<ExportCommand>(*command);
  command->callback([self, &exit_code] {
    const auto status = self->run();
    exit_code = status ? kSuccess : fail(status.error());
  });
}

}  // namespace osprey::cli
