// SPDX-License-Identifier: Apache-2.0
// Files of what a camera sent around events, from some seconds before to some seconds behind.
#pragma once

#include <osprey/result.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.hpp"
#include "media/packet_tap.hpp"
#include "media/recordings.hpp"

namespace osprey::media {

struct EventRecorderOptions {
  std::string folder;  ///< made if it is missing; may be several cameras'
  std::string camera;  ///< in the files' names; one recorder for each in a folder
  std::chrono::milliseconds pre_roll{5'000};   ///< >= 0
  std::chrono::milliseconds post_roll{5'000};  ///< >= 0
  /// > 0; what takes longer goes on in the next file, without a gap, at the next key frame.
  std::chrono::milliseconds max_length{600'000};
  Retention retention;
  /// > 0; of packets kept in memory for what comes before an event. Many bytes a second make it
  /// shorter.
  std::size_t max_pre_roll_bytes = std::size_t{64} << 20;
  /// > 0; of packets in memory that wait for the disk.
  std::size_t max_waiting_bytes = std::size_t{64} << 20;
  /// > 0; a stream that is silent for so long has its file completed.
  std::chrono::milliseconds stalled_after{10'000};
  /// Called with each file that is complete, from the recorder's thread, which waits.
  std::function<void(const Recording&)> on_complete;
};

struct EventRecorderStats {
  bool recording = false;
  std::uint64_t files = 0;      ///< complete, those of an earlier run included
  std::uint64_t packets = 0;    ///< written
  std::uint64_t lost = 0;       ///< packets of events that are in no file: disk slow, full or away
  std::uint64_t overflows = 0;  ///< files that ended because the disk was too slow
  std::uint64_t failures = 0;   ///< files that could not be written to their end
  std::uint64_t removed = 0;    ///< files that had to go (see Retention)
  /// The last failure, until a file begun after it is complete; or why the stream cannot be
  /// recorded; or empty.
  std::string problem;
};

/// Copies packets (bytes in memory once); nothing is encoded. Several events at once are one file,
/// called after the first. A file ends, and goes on in a new one while there is an event, where the
/// stream does: at a reconnect, another codec or size, a jump in time of more than 10 s, at
/// max_length, and when the disk cannot keep up or fails (tried again after 10 s). Times are those
/// of the stream, "now" is its newest packet's. Killed in the middle of a file, the next start of
/// a recorder in the folder completes it, whichever camera's.
///
/// Retention::keep is counted from the earliest time that the machine's clock showed within the
/// last 10 minutes, and before those are over nothing is too old: a clock that starts in the future
/// until the network has set it must not cost all recordings.
///
/// Threads: any. What the reader and events call does not wait for the disk: a thread "record-..."
/// writes.
class EventRecorder : public PacketTap {
 public:
  /// Errors: an option out of its range; the folder cannot be made or written to.
  static Result<std::shared_ptr<EventRecorder>> create(const EventRecorderOptions& options,
                                                       base::Clock& clock);

  /// From now, and pre_roll before, is to be recorded until end(event) and post_roll behind. More
  /// of the same name is one.
  virtual void begin(const std::string& event) = 0;
  /// An event that did not begin is passed over.
  virtual void end(const std::string& event) = 0;
  /// Records until post_roll from now at least: for what has no end of its own. `event` is for the
  /// file's name, if it begins one.
  virtual void extend(const std::string& event) = 0;

  virtual EventRecorderStats stats() const = 0;

  /// Completes what is being written, in time for as long as the disk takes; what an earlier run
  /// left waits for the next. Nothing is recorded after it. The destructor does it, too.
  virtual void finish() = 0;
};

}  // namespace osprey::media
