// SPDX-License-Identifier: Apache-2.0
// osprey serve: a service for cameras.
#include <CLI/CLI.hpp>

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <mutex>

#include "base/try.hpp"
#include "commands.hpp"
#include "live/daemon.hpp"
#include "service_manager.hpp"
#include "supervise.hpp"
#include "terminal.hpp"

namespace osprey::cli {

namespace {

/// Lines on standard error, below which the status of the moment is drawn on a terminal.
class Console {
 public:
  explicit Console(bool quiet) : quiet_(quiet), line_(quiet) {}

  void say(const std::string& text) {
    if (quiet_) return;
    const std::lock_guard lock(mutex_);
    line_.clear();
    std::fprintf(stderr, "osprey: %s\n", text.c_str());
  }
  void show(const std::string& status) {
    const std::lock_guard lock(mutex_);
    line_.update(std::nullopt, status);
  }
  std::chrono::milliseconds interval() const { return line_.interval(); }

 private:
  const bool quiet_;
  std::mutex mutex_;
  ProgressLine line_;
};

sigset_t service_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, signal);
  return set;
}

struct ServeCommand {
  explicit ServeCommand(CLI::App& command) {
    command.add_option("config", config, "YAML file; see docs/serve.md")->option_text("CONFIG");
    command.add_flag("--check", check, "only say what is wrong with it");
    command.add_flag("--schema", schema, "print the JSON Schema of such files");
    command.add_flag("--quiet", quiet, "say nothing but errors");
  }

  Result<int> run() const {
    if (schema) {
      std::printf("%s\n", live::config_schema().c_str());
      return kSuccess;
    }
    if (config.empty()) {
      return Error{ErrorCode::kInvalidArgument,
                   "serve: expected a configuration: osprey serve FILE"};
    }
    auto read = OSPREY_TRY(live::read_config(config));
    if (check) {
      OSPREY_TRY(live::check_parts(read));
      if (!quiet)
        std::printf("%s: %zu streams, no mistakes\n", config.c_str(), read.streams.size());
      return kSuccess;
    }
    const auto set = service_signals();
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    signal(SIGPIPE, SIG_IGN);

    Console console(quiet);
    base::RealClock clock;
    ServiceManager manager;
    std::unique_ptr<live::Daemon> daemon;
    {
      const KeptAlive alive(manager);
      daemon = OSPREY_TRY(live::Daemon::start(std::move(read), clock,
                                              [&](const std::string& text) { console.say(text); }));
    }
    console.say("serving " + daemon->address());
    manager.ready();
    const auto status = watch(*daemon, console, manager);
    manager.stopping();
    console.say("ending");
    const auto summary = daemon->summary();
    daemon.reset();
    if (!quiet) std::fputs(summary.c_str(), stderr);
    OSPREY_TRY(status);
    return kSuccess;
  }

  static Status reload(live::Daemon& daemon, ServiceManager& manager) {
    const KeptAlive alive(manager);
    return daemon.reload();
  }

  /// Until a signal asks for the end, or the daemon cannot go on.
  static Status watch(live::Daemon& daemon, Console& console, ServiceManager& manager) {
    const auto set = service_signals();
    const int signals = signalfd(-1, &set, SFD_CLOEXEC);
    for (;;) {
      pollfd ready{signals, POLLIN, 0};
      poll(&ready, 1, static_cast<int>(console.interval().count()));
      if (ready.revents != 0) {
        signalfd_siginfo which{};
        [[maybe_unused]] const auto got = read(signals, &which, sizeof which);
        if (which.ssi_signo != SIGHUP) {
          close(signals);
          return {};
        }
        manager.reloading();
        const auto reloaded = reload(daemon, manager);
        console.say(reloaded ? "read the configuration again"
                             : "the configuration stays as it was: " + reloaded.error().message);
        manager.ready();
      }
      if (auto health = daemon.health(); !health) {
        close(signals);
        return health;
      }
      manager.alive();
      console.show(daemon.status_line());
    }
  }

  std::string config;
  bool check = false, schema = false, quiet = false;
};

}  // namespace

void add_serve(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("serve", "watch cameras: a service with a dashboard");
  auto self = std::make_shared<ServeCommand>(*command);
  command->callback([self, &exit_code] {
    const auto result = self->run();
    exit_code = result ? *result : fail(result.error());
  });
}

}  // namespace osprey::cli
