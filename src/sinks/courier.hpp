// SPDX-License-Identifier: Apache-2.0
// Takes events from the outbox to a peer: in order, for as long as it takes.
#pragma once

#include <osprey/result.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "base/clock.hpp"
#include "outbox/outbox.hpp"
#include "sinks/event_sender.hpp"

namespace osprey::sinks {

struct CourierOptions {
  outbox::ConsumerOptions consumer;
  /// Between two tries: doubles from the first to the longest, +-20 %.
  base::Clock::duration first_pause = std::chrono::milliseconds(500);
  base::Clock::duration longest_pause = std::chrono::seconds(30);
  int refusals =
      5;  ///< so many tries of an event that the peer will not have; then it is set aside
  /// So long an event over which the peer fails; then it is set aside.
  base::Clock::duration failing = std::chrono::minutes(10);
  /// So many of the last events are sent again when a connection has been made: for peers that
  /// forget what they acknowledged when they are killed. Receivers tell by the key.
  std::int64_t resend = 0;
};

struct CourierStatus {
  bool connected = false;
  std::string problem;  ///< why it is not, or what the peer does not want; empty: all is well
  outbox::ConsumerStatus events;
};

/// An event is sent until the peer has acknowledged it, and only then the next: a peer that is down
/// holds the queue up, and so nothing is lost or overtakes. A kill between the acknowledgement and
/// the note of it sends an event twice. An event that the peer refuses again and again is set aside
/// and counted, so that it does not hold up the others for ever.
///
/// Threads: any. Runs one, "send-<name>".
class Courier {
 public:
  /// Adds the consumer to the outbox, which outlives the courier, as does the clock.
  static Result<std::unique_ptr<Courier>> start(outbox::Outbox& outbox,
                                                std::shared_ptr<EventSender> sender,
                                                CourierOptions options, base::Clock& clock);
  /// Stops.
  virtual ~Courier() = default;

  virtual CourierStatus status() const = 0;
  /// Waits until nothing waits, at most until `deadline`; whether that is so.
  virtual bool wait_until_delivered(base::Instant deadline) = 0;
  /// Ends the thread; what is not delivered waits for the next start.
  virtual void stop() = 0;
};

}  // namespace osprey::sinks
