// SPDX-License-Identifier: Apache-2.0
// Where results and events of all cameras go.
#pragma once

#include <osprey/result.hpp>

#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "live/config.hpp"
#include "live/streams.hpp"
#include "outbox/outbox.hpp"
#include "serve/service.hpp"
#include "sinks/sink_time.hpp"

namespace osprey::live {

/// Events are in the outbox before anybody is told of them; senders take them from there, each at
/// its own pace. What a sink cannot do holds nothing up. Threads: a Receiver's, beside any.
class Results : public Receiver {
 public:
  /// settle() is still to be called. Errors: the outbox or a file cannot be opened, a secret's file
  /// cannot be read.
  static Result<std::unique_ptr<Results>> open(const Config& config,
                                               const engine::RunModels& models, base::Clock& clock);

  /// Other sinks; those that did not change go on. Errors: as open(); change() back then.
  virtual Status change(const Config& config, const engine::RunModels& models) = 0;
  /// Forgets what sinks that are gone had still to get: when all else that goes with a change has
  /// succeeded.
  virtual Status settle() = 0;

  virtual std::vector<serve::SinkStatus> status() const = 0;
  /// What keeping events and writing lines took of the thread that delivers.
  virtual std::vector<sinks::SinkTime> times() const = 0;
  virtual outbox::Outbox& outbox() = 0;
  /// A result as JSON Lines have it.
  virtual std::string line_of(const Camera& camera, const FrameResult& result) const = 0;
  /// For those who show it: what there is, and numbers of the moment.
  virtual void tell(const serve::ServiceStatus& status) = 0;
};

}  // namespace osprey::live
