// SPDX-License-Identifier: Apache-2.0
// Events on their way: kept in a file until everybody who is to have them has said so.
#pragma once

#include <osprey/result.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"

namespace osprey::outbox {

/// Bytes; less would not do for events with pictures.
inline constexpr std::uint64_t kLeastLimit = 4'000'000;

struct OutboxOptions {
  std::string path;                          ///< a SQLite file; its folder is made if it is missing
  std::uint64_t limit_bytes = 256U << 20;    ///< of the file's content; >= kLeastLimit
  std::size_t longest_picture = 256U << 10;  ///< bytes; a longer one is left out, its event is kept
  /// Each event is on the disk before append() returns. Without it a power cut or a crash of the
  /// system takes the last two seconds; the end of the process, of whatever kind, takes nothing.
  bool full_sync = false;
  /// What is different after each start of the machine; empty: what Linux says.
  std::string boot;
};

/// What append() is given.
struct NewEvent {
  std::string json;  ///< an object, from '{' to '}', without "key" and "number"; at most 1 MiB
  std::string type, camera, label;  ///< what history() can look for
  std::vector<std::string> zones;
  std::string picture;  ///< JPEG or empty; only kept until those consumers that want it had it
};

struct StoredEvent {
  std::int64_t number = 0;  ///< from 1, rising by 1
  std::string key;          ///< of no other event ever: "<uuid>-<number>"
  std::string type, camera, label;
  std::string json;     ///< with "key" and "number" at its beginning
  std::string picture;  ///< empty: there was none, or it went to make room
};

enum class Begin : std::uint8_t { kAtEnd, kAtBeginning };

struct ConsumerOptions {
  std::string name;
  Begin begin = Begin::kAtEnd;  ///< where a consumer that was not known begins
  bool pictures = false;        ///< whether it is given pictures
};

struct ConsumerStatus {
  std::uint64_t delivered = 0;
  std::uint64_t waiting = 0;
  std::uint64_t discarded = 0;  ///< went to make room, or with a damaged file, undelivered
  std::uint64_t refused = 0;    ///< set aside, as the consumer would not have it
};

struct OutboxStatus {
  std::uint64_t events = 0;  ///< kept now
  std::uint64_t bytes = 0;   ///< they take now
  std::int64_t newest = 0;   ///< number of the last event; 0: none yet
  // Since open():
  std::uint64_t lost = 0;      ///< events append() failed to keep
  std::uint64_t replaced = 0;  ///< times a file was given up and another begun
  std::string given_up;        ///< why, the last time; empty: none was
  std::string problem;         ///< why append() failed the last time, or would; empty: it would not
};

/// Newest first.
struct HistoryQuery {
  std::size_t limit = 100;
  std::optional<std::int64_t> before;     ///< only events with a smaller number
  std::string camera, label, zone, type;  ///< empty: any
};

/// An event that a consumer would not have.
struct RefusedEvent {
  std::string consumer;
  std::int64_t number = 0;
  std::string reason;
};

/// A queue with a place in it for each consumer, in a SQLite file with a write-ahead log. Delivered
/// events stay, as a history, until the room is needed: when the content outgrows the limit, the
/// oldest pictures go if they take more than half of it, then the oldest events, delivered or not.
/// What goes undelivered is counted for each consumer that waited for it.
///
/// A damaged file is moved aside to "<path>.damaged-<n>" (three are kept), and a new one begun, at
/// open() as later, with another uuid in the keys. So if somebody took the file away. Numbers go on
/// if that was seen while running, and begin again at 1 if it was at open(). A database that
/// another program made is left alone: open() fails.
///
/// While the file cannot be opened, as the disk is full, what is given is lost and counted, and
/// opening is tried again each second.
///
/// Threads: any. Cost: append() some 100 us without full_sync, and half a second while another
/// program holds the file; history() does not hold it up.
class Outbox {
 public:
  /// Errors: a limit too low, a database that is no outbox, or no file (kInvalidArgument); another
  /// process has it open (kUnavailable); the file may not be made, read or written (kIo); another
  /// version's (kUnsupported).
  static Result<std::unique_ptr<Outbox>> open(OutboxOptions options, base::Clock& clock);
  /// Tidies the log up. Every consumer of the outbox has ended by then.
  ~Outbox();
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;

  /// Keeps an event; its number. Errors: kInvalidArgument; kIo (a full disk), kUnavailable (another
  /// program holds the file): the event is lost, which status() counts, and the next may succeed.
  Result<std::int64_t> append(const NewEvent& event);

  /// In place of OutboxOptions::limit_bytes; what is beyond it goes, on a full disk with the next
  /// event that is kept. Errors: too low (kInvalidArgument), and nothing changes.
  Status set_limit(std::uint64_t bytes);

  /// A consumer that is known goes on where it was. Its name is its identity.
  Status add_consumer(const ConsumerOptions& consumer);
  /// Forgets all consumers but these.
  Status keep_consumers(const std::vector<std::string>& names);

  /// The next events of `consumer`, at most `limit`, in order; empty: it has them all. `after`:
  /// from behind this number instead of behind what was delivered. Errors: kNotFound: no such
  /// consumer.
  Result<std::vector<StoredEvent>> next(const std::string& consumer, std::size_t limit,
                                        std::optional<std::int64_t> after = std::nullopt);
  /// `consumer` has all events up to `number`. It may say so again.
  Status delivered(const std::string& consumer, std::int64_t number);
  /// `consumer` will never have event `number`; it has all those before.
  Status refused(const std::string& consumer, std::int64_t number, const std::string& reason);

  Result<ConsumerStatus> status(const std::string& consumer) const;
  /// Number of the last event `consumer` has. Errors: kNotFound; kIo, kUnavailable: there is no
  /// file.
  Result<std::int64_t> place(const std::string& consumer) const;
  OutboxStatus status() const;

  /// Cost: milliseconds, or some tens of them if hardly any of 100 000 events matches.
  Result<std::vector<StoredEvent>> history(const HistoryQuery& query);
  /// The newest that were set aside, newest first.
  Result<std::vector<RefusedEvent>> refused(std::size_t limit);

  /// `listener` is called after each append(), from its thread: to be quick. Until what is returned
  /// is destroyed, which waits for a call to end.
  [[nodiscard]] std::shared_ptr<void> when_appended(std::function<void()> listener);

 private:
  class Impl;
  explicit Outbox(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace osprey::outbox
