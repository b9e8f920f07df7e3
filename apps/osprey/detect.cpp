// SPDX-License-Identifier: Apache-2.0
// osprey detect: objects in videos and pictures.
#include <CLI/CLI.hpp>

#include <cstdio>

#include "base/try.hpp"
#include "board/sampler.hpp"
#include "board_lines.hpp"
#include "commands.hpp"
#include "engine/detect_run.hpp"
#include "option_flags.hpp"
#include "summary.hpp"
#include "supervise.hpp"
#include "terminal.hpp"

namespace osprey::cli {

namespace {

struct DetectCommand {
  explicit DetectCommand(CLI::App& command)
      : flags(command, {engine::OptionGroup::kModel, engine::OptionGroup::kTiles,
                        engine::OptionGroup::kModels, engine::OptionGroup::kTracks,
                        engine::OptionGroup::kRun, engine::OptionGroup::kSource,
                        engine::OptionGroup::kOutput}) {
    command
        .add_option("source", sources, "video, picture, folder, glob, URL, or - for standard input")
        ->option_text("SOURCE...");
  }

  Result<int> run() const {
    engine::Options options;
    options.sources = sources;
    OSPREY_TRY(flags.apply(options));
    base::RealClock clock;
    auto opened = OSPREY_TRY(engine::open_sources(options, clock));
    hold_interrupts();
    auto parts = OSPREY_TRY(engine::make_parts(std::move(opened), options));

    const auto run = OSPREY_TRY(engine::DetectRun::start(std::move(parts), options, clock));
    ProgressLine line(options.quiet);
    board::Sampler meters(board::KernelFiles::of_this_machine());
    const auto status = supervise(*run, clock, line.interval(), [&] {
      meters.sample(clock.now());
      show_progress(line, run->report());
    });
    line.clear();
    if (run->completed() && !options.quiet) {
      std::fputs(summary(run->report(), run->models(), run->interrupted()).c_str(), stderr);
      std::fputs(board_lines(meters.finish()).c_str(), stderr);
    }
    OSPREY_TRY(status);
    const auto report = run->report();
    if (report.all_failed()) {
      return Error{ErrorCode::kInternal, "every frame failed: " + report.first_failure};
    }
    return run->interrupted() ? kInterrupted : kSuccess;
  }

  std::vector<std::string> sources;
  OptionFlags flags;
};

}  // namespace

void add_detect(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("detect", "find objects in videos and pictures");
  auto self = std::make_shared<DetectCommand>(*command);
  command->callback([self, &exit_code] {
    const auto result = self->run();
    exit_code = result ? *result : fail(result.error());
  });
}

}  // namespace osprey::cli
