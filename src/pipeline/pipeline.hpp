// SPDX-License-Identifier: Apache-2.0
// Frames of many streams through many lanes: bounded, in order, none lost.
#pragma once

#include <osprey/result.hpp>

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/clock.hpp"
#include "core/frame_id.hpp"
#include "pipeline/stats.hpp"

namespace osprey::pipeline {

/// The owner's data for a frame. It outlives its jobs' payloads, which may point to it.
struct FramePayload {
  virtual ~FramePayload() = default;
};

/// The owner's data for one job: what to run, and later what came out.
struct JobPayload {
  explicit JobPayload(std::uint32_t job_kind = 0) : kind(job_kind) {}
  virtual ~JobPayload() = default;
  const std::uint32_t kind;  ///< jobs of one kind, of any frames, may run together
};

/// The owner's own type back: `payload_cast<TileJob>(job)`. Checked in debug builds.
template <typename T, typename Payload>
T& payload_cast(Payload& payload) {
  assert(dynamic_cast<T*>(&payload) != nullptr);
  return static_cast<T&>(payload);
}

struct Captured {
  std::unique_ptr<FramePayload> payload;  ///< not null
  /// Jobs of earlier deadlines go first. Empty: the moment of capture; with a drop policy the
  /// stream's last turn, for the first frame that waits. So streams alternate, whatever their
  /// rates.
  std::optional<base::Instant> deadline;
};

/// One stream's frames. Threads: its reader thread; `cancel` from any.
class Source {
 public:
  virtual ~Source() = default;
  /// The next frame, or nothing at the end. May block. An error ends the stream; others go on.
  virtual Result<std::optional<Captured>> read() = 0;
  /// Makes a blocked or later read() end soon, as at the stream's end.
  virtual void cancel() = 0;
};

/// Where in a lane a job is: `item` counts from 0 in the slot's batch.
struct LanePlace {
  std::size_t slot = 0, item = 0;
};

/// One lane's work, with two slots, each for a batch of jobs of one kind. All but the completions
/// are calls of the lane's thread. A slot goes prepare (each item) -> start -> finish (each item);
/// an item whose preparation failed is prepared anew. After a fault (see start) the slots' content
/// is given up: mend, then prepare again.
class LaneRunner {
 public:
  static constexpr std::size_t kSlots = 2;
  using Completion = std::function<void(Status)>;

  virtual ~LaneRunner() = default;
  /// Most jobs of a kind that one run takes, >= 1; always the same.
  virtual std::size_t batch(std::uint32_t /*kind*/) const { return 1; }
  /// Fills the item's input. CPU work, while the other slot runs.
  virtual Status prepare(LanePlace place, JobPayload& job) = 0;
  /// Queues the slot's first `items` behind the other slot and returns; `done` is called exactly
  /// once, on any thread (also from within start), and counts for all of them. kUnavailable is the
  /// lane's fault, not the jobs': they are run elsewhere, and it rests.
  virtual void start(std::size_t slot, std::size_t items, Completion done) = 0;
  /// Of what a run takes, the part in which its lane could compute another: how long a start takes
  /// effect, and an end is told, of late. A run started so much before the other ends makes no
  /// pause.
  virtual Duration overhead() const { return Duration::zero(); }
  /// Reads the item's output. CPU work, while the other slot runs.
  virtual Status finish(LanePlace place, JobPayload& job) = 0;
  /// After a fault, when the lane is to be used again: makes the slots free. Runs that took longer
  /// than Lanes::run_timeout may still end, but use the slots no more. An error is another fault.
  virtual Status mend() { return {}; }
};

/// A job that came back.
struct Job {
  std::unique_ptr<JobPayload> payload;
  Status status;   ///< why it has no result
  int faults = 0;  ///< of lanes that had it
};

/// A frame that leaves the pipeline.
struct Delivery {
  FrameId id;              ///< gaps in the sequence are dropped frames
  base::Instant captured;  ///< when read() returned it
  std::unique_ptr<FramePayload> payload;
  Status status;  ///< plan's error, or the first failed job's that collect left, or collect's
};

using JobPayloads = std::vector<std::unique_ptr<JobPayload>>;

/// What the owner does to frames on their way.
class Stages {
 public:
  virtual ~Stages() = default;

  /// The frame's jobs, in order; none is fine. Threads: each stream's reader thread.
  virtual Result<JobPayloads> plan(FrameId id, FramePayload& frame) = 0;

  /// When all of a frame's jobs are back, failed ones among them: the jobs of a further round that
  /// follows from them, after which this is called again; none if the frame is done. A failed job
  /// fails the frame, unless its status is set to success here, and a failed frame has no further
  /// round. Threads: whichever ended the round; several frames at once, in any order.
  virtual Result<JobPayloads> collect(FrameId id, FramePayload& frame, std::span<Job> jobs) = 0;

  /// Every frame that was not dropped, in capture order within its stream. An error stops the
  /// pipeline; the frame then counts as dropped. Threads: the release thread.
  virtual Status deliver(Delivery delivery) = 0;

  /// A frame that will never be delivered. Threads: any, also beside deliver.
  virtual void dropped(FrameId /*id*/, DropReason /*reason*/) {}

  /// The stream is over: its source is gone and each of its frames was told of above. Threads: the
  /// release thread.
  virtual void ended(std::uint32_t /*stream*/) {}
};

/// What happens to a frame when its stream has as many in flight as it may.
enum class Admission : std::uint8_t {
  kWait,  ///< nothing is lost: the next frame is read when there is room
  /// The oldest frame no lane has touched makes room, and its place in the queue stays the
  /// stream's. If there is none, as kDropNewest. And where a stream's turn comes so late that its
  /// next frame has waited for more than half the time from turn to turn, the newest goes in its
  /// place, and those before it are dropped. Only lanes that were idle a moment ago work off what
  /// came in a burst. If all streams are of this kind and there are no batches, a lane that runs
  /// takes its next job as late as it can be ready when the run ends, going by the last few: its
  /// frame is the newer, by the better part of a run.
  kDropOldest,
  kDropNewest,  ///< the frame itself is dropped
};

struct StreamOptions {
  Admission admission = Admission::kWait;
  /// 1..4096 captured but not delivered; 0: enough to fill every slot, and 4 more.
  std::size_t in_flight = 0;
  /// Frames that waited longer are dropped when a lane would take them; 0: none are.
  Duration max_age{0};
};

struct Stream {
  std::unique_ptr<Source> source;
  StreamOptions options;
};

/// Lanes, and how long one with nothing to run waits for a batch to fill: from the first job of it,
/// 0..1 s. Behind a run the batch waits in any case, but never while jobs of another kind do.
struct Lanes {
  std::vector<std::unique_ptr<LaneRunner>> runners;
  Duration batch_wait{0};
  std::size_t most_batch = 1;  ///< the largest LaneRunner::batch() of any kind
  /// A lane whose runs take longer than this has a fault; 0: they always end. Counted from when it
  /// began to run, or from the last run's end.
  Duration run_timeout{0};
};

/// How long a pipeline runs.
enum class Until : std::uint8_t {
  kStreamsEnd,  ///< until the last one has
  kTold,        ///< until interrupt() or stop_now(), with any number of streams, also none
};

/// How often a job is tried before its frame fails, where lanes have faults.
inline constexpr int kMostTries = 3;
/// Faults in a row, of every lane, after which the pipeline gives up.
inline constexpr std::size_t kMostFaults = 10;

/// A running pipeline: a reader thread a stream ("read-0"), a thread a lane ("lane-0"), and one
/// that delivers ("release"). FrameId::stream is the place in `streams`, or what add() returned;
/// FrameId::sequence counts what its source gave. A source is destroyed when it has ended. Memory:
/// at most `in_flight` frames a stream, with their jobs, and with a drop policy one more in the
/// reader's hands; of a stream that has ended, a few hundred bytes until its index is given anew.
class Pipeline {
 public:
  /// Checks and starts. `stages` and `clock` outlive the pipeline. Errors: no streams, no lanes, a
  /// bound out of range.
  static Result<std::unique_ptr<Pipeline>> start(std::vector<Stream> streams, Lanes lanes,
                                                 Stages& stages, base::Clock& clock,
                                                 Until until = Until::kStreamsEnd);

  /// As stop_now() and wait().
  virtual ~Pipeline() = default;

  /// One more stream; its index. That is the lowest whose stream end() was called for and
  /// Stages::ended has returned, or else a new one: so the indices of a pipeline whose streams come
  /// and go do not grow. Calls no stage itself, but frames may be on their way before it returns.
  /// Errors: as start(), kCancelled if the pipeline has ended or was told to. Threads: any.
  virtual Result<std::uint32_t> add(Stream stream) = 0;

  /// Ends the stream's source and gives its index up: what is in flight is delivered, then
  /// Stages::ended is called. Returns at once. Of a stream that ended by itself, only gives the
  /// index up; may be repeated. Errors: no stream ever had this index. Threads: any, also from
  /// within a stage.
  virtual Status end(std::uint32_t stream) = 0;

  /// Ends the sources and lets what is in flight be delivered. Threads: any.
  virtual void interrupt() = 0;

  /// Drops what is in flight; jobs that run are waited for, their results are not used. Threads:
  /// any, also from within a stage.
  virtual void stop_now() = 0;

  /// Blocks until every frame is delivered or dropped and every thread has ended. The first of:
  /// deliver's error, the fault of lanes that all fail again and again, a source's error (in stream
  /// order, of those whose index was not given up), kCancelled if interrupt() or stop_now() cut
  /// something short. Threads: one caller; may be repeated.
  virtual Status wait() = 0;

  /// Threads: any, at any time. Cost: microseconds.
  virtual Stats snapshot() const = 0;
};

}  // namespace osprey::pipeline
