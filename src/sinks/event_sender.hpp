// SPDX-License-Identifier: Apache-2.0
// How events get to a peer: what a protocol has to do.
#pragma once

#include <osprey/result.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "outbox/outbox.hpp"

namespace osprey::sinks {

struct SendOutcome {
  std::size_t acknowledged = 0;  ///< so many of the first are the peer's
  /// What became of the next. kInvalidArgument: the peer will not have it, or it cannot be sent;
  /// kInternal: the peer fails over it; any other: later.
  Status status;
  std::optional<std::chrono::seconds> retry_after;  ///< what the peer asked for
};

/// Threads: one caller, but for cancel(). Nothing here blocks longer than the sender's time limits,
/// or after cancel(). Messages name the peer, never a secret. The program ignores SIGPIPE, as a
/// peer that goes away would end it.
class EventSender {
 public:
  virtual ~EventSender() = default;

  /// Called before each send(), and every second while there is nothing to send: makes the
  /// connection, and keeps it.
  virtual Status keep() { return {}; }
  /// Rises when keep() makes a connection: a peer that was gone may have forgotten the last events.
  virtual std::uint64_t connections() const { return 0; }

  /// Sends events in order, and waits until the peer has said for each that it has it.
  virtual SendOutcome send(std::span<const outbox::StoredEvent> events) = 0;
  /// How many events are given to send().
  virtual std::size_t window() const { return 1; }

  /// Makes what blocks, and all later calls, return kCancelled soon. Threads: any.
  virtual void cancel() = 0;
};

}  // namespace osprey::sinks
