// SPDX-License-Identifier: Apache-2.0
// The pipeline's state machine: which frames are in, which job is next, what may leave.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "core/frame_id.hpp"
#include "core/usual_duration.hpp"
#include "pipeline/latency_histogram.hpp"
#include "pipeline/phase_timer.hpp"
#include "pipeline/pipeline.hpp"
#include "pipeline/recent_latency.hpp"
#include "pipeline/stats.hpp"

namespace osprey::pipeline {

/// A frame from admission to the end of its delivery. Whoever moved it to its stage (the reader in
/// kPlanning, the collecting thread in kCollecting, the release thread in kDelivering) owns
/// payload, jobs and status meanwhile; a lane that took a job owns that job's payload.
struct FrameInFlight {
  enum class Stage : std::uint8_t { kPlanning, kRunning, kCollecting, kReady, kDelivering };

  FrameId id;
  base::Instant captured;
  base::Instant deadline;
  Stage stage = Stage::kPlanning;
  Status status;
  std::unique_ptr<FramePayload> payload;
  std::vector<Job> jobs;       // of this round; below payload: jobs may point to it
  std::size_t waiting = 0;     // that no lane has taken
  std::size_t with_lanes = 0;  // taken and not back
  bool touched = false;        // a lane has taken a job, of this round or an earlier one
};

/// A job in a lane's hands.
struct Ticket {
  FrameInFlight* frame = nullptr;
  std::size_t job = 0;
  JobPayload& payload() const { return *frame->jobs[job].payload; }
};

/// A frame that was dropped; its payloads are to be destroyed outside the lock, jobs first.
struct Dropped {
  FrameId id;
  DropReason reason;
  std::unique_ptr<FramePayload> payload;
  std::vector<Job> jobs;
};

enum class ReaderPhase : std::uint8_t { kIdle, kReading, kBlocked, kPlanning, kCount_ };
enum class LanePhase : std::uint8_t {
  kWaiting,
  kStarved,
  kPrepare,
  kFinish,
  kCollect,
  kResting,
  kCount_
};

/// Every change of the pipeline's state, and nothing else: it starts no thread, takes no lock, asks
/// no clock and calls no stage. `now` never falls from call to call. Threads: one at a time. Cost:
/// no allocation once each stream has had its fill, except to remember drops.
class Scheduler {
 public:
  /// The options' `in_flight` are > 0. `stays_open`: it is not finished before close().
  Scheduler(const std::vector<StreamOptions>& streams, std::size_t lanes, base::Instant now,
            bool stays_open = false);

  // Streams.

  /// Of the next stream that is added: that of one that is gone, or a new one.
  std::size_t next_index() const;
  /// A stream with that index. Not once all have ended.
  std::size_t add_stream(const StreamOptions& options, base::Instant now);
  /// Its index may be given anew, as soon as it is over.
  void give_up_index(std::size_t stream) { streams_[stream].given_up = true; }
  /// Whether a stream's source has ended and all its frames were told of, but not yet that.
  bool has_over() const;
  /// Such a stream: each once.
  std::optional<std::size_t> take_over();
  /// Whoever took it has told of it.
  void told_over(std::size_t stream) { streams_[stream].end = StreamState::End::kTold; }
  /// No more streams are added.
  void close(base::Instant now);
  /// The first source's error, of the streams whose index was not given up.
  const Error* first_error() const;

  // Readers.

  /// Whether a frame of the stream would be admitted without dropping another.
  bool has_room(std::size_t stream) const;
  void reader_enters(std::size_t stream, ReaderPhase phase, base::Instant now);
  /// A frame was read. It is now in stage kPlanning; null if it was dropped instead.
  FrameInFlight* admit(std::size_t stream, Captured captured, base::Instant now);
  /// A frame of stage kPlanning or kCollecting has got `jobs`, at least one.
  void submit(FrameInFlight& frame, base::Instant now);
  void reader_ends(std::size_t stream, std::optional<Error> error, base::Instant now);

  // Lanes.

  /// The next job, of a certain kind if one is named, if there is one for this lane: those without
  /// any job come first. Drops frames whose time is over; also if it returns nothing.
  std::optional<Ticket> take(std::size_t lane, base::Instant now,
                             std::optional<std::uint32_t> kind = std::nullopt);
  /// Whether a frame that waits is worth less than one that comes later, in every stream.
  bool newest_wins() const;
  /// Whether take() would give a job, of whatever kind.
  bool has_job_for(std::size_t lane) const;
  void run_begins(std::size_t lane, base::Instant now);
  /// `answered`: it was not given up.
  void run_ends(std::size_t lane, base::Instant now, bool answered = true);
  void lane_enters(std::size_t lane, LanePhase phase, base::Instant now);
  /// The taken job is done or has failed. True: the frame is now in stage kCollecting, and is the
  /// caller's to collect.
  bool give_back(std::size_t lane, const Ticket& ticket, Status status, base::Instant now);
  /// The lane has a fault: it gets no jobs until it returns.
  void lane_fails(std::size_t lane, const std::string& why);
  void lane_returns(std::size_t lane);
  /// Puts a job that a faulty lane had back into the queue. False if it had its tries, or there is
  /// no more running: it is then the caller's to give back.
  bool retry(std::size_t lane, const Ticket& ticket);
  /// A frame of stage kPlanning or kCollecting needs no more work; it has no jobs left.
  void ready(FrameInFlight& frame, base::Instant now);

  // Release.

  bool can_deliver() const { return !deliverable_.empty(); }
  /// The next frame in order, now in stage kDelivering. Only if can_deliver().
  FrameInFlight& begin_delivery(base::Instant now);
  void end_delivery(FrameInFlight& frame, bool delivered, bool failed, base::Instant now);

  // All.

  /// Drops everything, at the latest when it comes back from where it is.
  void stop(base::Instant now);
  bool stopped() const { return stopped_; }
  bool reading() const { return readers_ > 0; }
  /// All readers have ended and nothing is in flight.
  bool idle() const { return readers_ == 0 && in_flight_ == 0; }
  /// And no stream will be added.
  bool finished() const { return idle() && !stays_open_; }
  /// Nothing is left to tell of either: neither drops nor streams that are over.
  bool all_told() const;
  std::size_t queued_jobs() const { return queued_jobs_; }
  std::size_t jobs_with(std::size_t lane) const { return lanes_[lane].jobs_held; }

  /// What was dropped since the last call.
  std::vector<Dropped> take_dropped() { return std::exchange(dropped_, {}); }
  /// Whoever took it has told of it.
  void told_dropped(FrameId id) { --streams_[id.stream].untold; }

  Stats snapshot(base::Instant now) const;

 private:
  enum class RunPhase : std::uint8_t { kIdle, kBusy, kCount_ };
  enum class ReleasePhase : std::uint8_t { kWaiting, kDelivering, kCount_ };

  struct StreamState {
    enum class End : std::uint8_t { kNot, kSource, kBeingTold, kTold };

    StreamState(const StreamOptions& stream_options, base::Instant now);
    std::size_t in_flight() const { return pool.size() - free.size(); }
    bool has_room() const { return in_flight() < options.in_flight; }
    bool ended() const { return end != End::kNot; }
    bool over() const { return end == End::kSource && in_flight() == 0 && untold == 0; }

    StreamOptions options;
    std::uint64_t captured = 0, delivered = 0, failed = 0;
    std::array<std::uint64_t, kDropReasons> dropped_by{};
    std::vector<FrameInFlight*> order;  // captured, neither dropped nor in delivery
    std::vector<std::unique_ptr<FrameInFlight>> pool;
    std::vector<FrameInFlight*> free;
    std::optional<base::Instant> last_turn;  // when a lane last took a frame's first job
    UsualDuration usual_turn;                // from turn to turn
    bool deliverable = false;                // stands in deliverable_
    std::size_t untold = 0;                  // dropped, and nobody was told
    End end = End::kNot;
    bool given_up = false;  // the index
    std::optional<Error> error;
    PhaseTimer<ReaderPhase> reader;
    base::Instant added;
    std::optional<base::Instant> ended_at;
    Duration delivering{0};
    Buckets latencies;
    std::unique_ptr<LatencyHistogram> latency;
    std::unique_ptr<RecentLatency> recent;
  };

  struct LaneState {
    explicit LaneState(base::Instant now) : thread(now), run(now) {}
    std::size_t jobs_held = 0;
    std::size_t running = 0;
    bool out_of_use = false;
    std::uint64_t jobs = 0, failures = 0, faults = 0;
    std::string last_fault;
    PhaseTimer<LanePhase> thread;
    PhaseTimer<RunPhase> run;
    base::Instant run_since;  // when the run that runs now got the lane for itself
    Buckets runs;
  };

  /// Jobs of one kind, next to each other in a frame, that no lane has taken.
  struct Waiting {
    FrameInFlight* frame;
    std::size_t next, end;
    std::uint32_t kind;
  };

  /// By deadline; among equals streams alternate; then in the frame's order.
  static bool goes_after(const Waiting& a, const Waiting& b);

  StreamState& stream_of(const FrameInFlight& frame) { return streams_[frame.id.stream]; }
  /// The frame that has waited longest, or shortest, for a lane; null if none waits.
  static FrameInFlight* oldest_waiting(const StreamState& stream);
  static FrameInFlight* newest_waiting(const StreamState& stream);
  /// Of a stream whose frames wait for nobody, only the first one waiting has a place in the queue.
  /// It is that of the stream's last turn: one of few frames would otherwise lose to one of many
  /// the time until its next frame comes, and one of two overrun cameras that keep step would
  /// always be the younger, and never served. To be called when another may be the first.
  void give_place(StreamState& stream);
  /// How long its next frame may have waited without having to make way for its newest.
  Duration patience_with(const StreamState& stream, base::Instant now) const;
  /// Whether this frame, or others of its stream, were dropped for having waited too long.
  bool drop_late(FrameInFlight& frame, base::Instant now);
  void note_turn(StreamState& stream, base::Instant now);
  void drop(FrameInFlight& frame, DropReason reason);
  void count_drop(StreamState& stream, Dropped dropped);
  void recycle(FrameInFlight& frame);
  void enter_queue(FrameInFlight& frame);
  void enter_queue(const Waiting& waiting);
  void leave_queue(FrameInFlight& frame);
  void leave_order(FrameInFlight& frame);
  void look_at_head(std::size_t stream);
  void note_released(LaneState& lane);
  void account_starvation(base::Instant now);
  bool held_by_output() const;
  void note_end(base::Instant now);

  std::vector<StreamState> streams_;
  std::vector<LaneState> lanes_;
  std::vector<Waiting> queue_;           // the next ones last
  std::deque<std::size_t> deliverable_;  // streams whose head is ready, in turn
  std::vector<Dropped> dropped_;
  std::size_t readers_ = 0;
  std::size_t in_flight_ = 0;
  std::size_t queued_jobs_ = 0;
  std::size_t idle_lanes_ = 0;  // in use, hold no job
  bool stopped_ = false;
  bool stays_open_ = false;
  PastStreams past_;

  base::Instant start_;
  std::optional<base::Instant> end_;
  PhaseTimer<ReleasePhase> release_;
  base::Instant delivery_began_;
  LatencyHistogram latency_;
  UsualDuration usual_run_;  // of all lanes
  base::Instant last_starved_;
  std::size_t starved_lanes_ = 0;
  base::Instant starvation_accounted_;
  Duration starved_by_source_{0}, starved_by_output_{0};
};

}  // namespace osprey::pipeline
