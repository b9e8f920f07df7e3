// SPDX-License-Identifier: Apache-2.0
// `osprey serve`: streams through models to sinks, watched by a server, for as long as one likes.
#pragma once

#include <osprey/result.hpp>

#include <functional>
#include <memory>
#include <string>

#include "base/clock.hpp"
#include "live/config.hpp"

namespace osprey::live {

/// What happened, one sentence each: "door: connected: 1920x1080, h264 (software)". Threads: any.
using Log = std::function<void(const std::string&)>;

/// Threads: one owner.
class Daemon {
 public:
  /// Compiles the models, starts the server and the streams; cameras may be absent. Errors: what
  /// the configuration names is not there or not right. `clock` outlives it.
  static Result<std::unique_ptr<Daemon>> start(Config config, base::Clock& clock, Log log);
  /// Ends the streams, completes recordings, sends what can be sent at once; the rest stays in the
  /// outbox. Within seconds.
  virtual ~Daemon() = default;

  /// Reads the configuration's file again and goes on with it: streams that did not change keep
  /// running, those whose zones alone changed too. Other models make all begin anew. On an error
  /// all stays as it was.
  virtual Status reload() = 0;

  /// Where the server is: "http://127.0.0.1:8080".
  virtual std::string address() const = 0;

  /// One line for a terminal: streams, rates, load, age.
  virtual std::string status_line() const = 0;
  /// Of all that ran, some lines.
  virtual std::string summary() const = 0;

  /// Why it cannot go on; success while it can.
  virtual Status health() const = 0;
};

/// What start() would find wrong before it compiles anything: models are read, files that are named
/// are there. For `osprey serve --check`.
Status check_parts(const Config& config);

}  // namespace osprey::live
