// SPDX-License-Identifier: Apache-2.0
#include "pipeline/pipeline.hpp"

#include <algorithm>
#include <array>
#include <sstream>
#include <string>
#include <system_error>
#include <utility>

#include "base/try.hpp"
#include "core/usual_duration.hpp"
#include "pipeline/lane_health.hpp"
#include "pipeline/scheduler.hpp"

namespace osprey::pipeline {
namespace {

using base::Instant;
using Lock = std::unique_lock<std::mutex>;

constexpr std::size_t kMaxInFlight = 4096;
constexpr Duration kMaxBatchWait = std::chrono::seconds(1);

/// Of the lane, not of what it ran.
bool is_fault(const Status& status) {
  return !status.ok() && status.error().code == ErrorCode::kUnavailable;
}

Error invalid(std::string message) {
  return {ErrorCode::kInvalidArgument, "pipeline: " + std::move(message)};
}

Error no_thread(const std::system_error& error) {
  return {ErrorCode::kInternal, std::string("pipeline: cannot start a thread: ") + error.what()};
}

Status check(const Stream& stream, const std::string& name) {
  if (!stream.source) return invalid(name + " has no source");
  if (stream.options.in_flight > kMaxInFlight) {
    return invalid(name + ": in_flight is " + std::to_string(stream.options.in_flight) +
                   ", expected 0.." + std::to_string(kMaxInFlight));
  }
  return {};
}

/// The threads that drive a Scheduler: they ask it what to do under the mutex and do it outside.
class ThreadedPipeline final : public Pipeline {
 public:
  ThreadedPipeline(Lanes lanes, Stages& stages, base::Clock& clock, bool stays_open)
      : stages_(stages),
        clock_(clock),
        batch_wait_(lanes.batch_wait),
        run_timeout_(lanes.run_timeout),
        takes_batches_(lanes.most_batch > 1),
        usual_in_flight_(LaneRunner::kSlots * lanes.runners.size() * lanes.most_batch + 4),
        scheduler_({}, lanes.runners.size(), clock.now(), stays_open) {
    for (auto& runner : lanes.runners) {
      lanes_.push_back(std::make_unique<Lane>(*this, lanes_.size(), std::move(runner)));
    }
    release_wakes_ = clock.make_condition();
  }

  ~ThreadedPipeline() override {
    stop_now();
    join();
  }

  /// Throws std::system_error if the machine has no thread to give.
  void start_threads(std::vector<Stream> streams) {
    const auto start = [this](const std::string& name, auto body) {
      threads_.push_back(clock_.start_thread(name, std::move(body)));
    };
    const Lock lock(mutex_);  // what starts first waits for the rest
    start("release", [this] { run_release(); });
    for (auto& lane : lanes_) {
      start("lane-" + std::to_string(lane->index), [this, &lane = *lane] { run_lane(lane); });
    }
    for (Stream& stream : streams) start_reader(std::move(stream));
  }

  Result<std::uint32_t> add(Stream stream) override {
    OSPREY_TRY(check(stream, "the added stream"));
    const Lock lock(mutex_);
    if (closed_ || scheduler_.finished()) {
      return Error{ErrorCode::kCancelled, "pipeline: it has ended, or was told to"};
    }
    try {
      return start_reader(std::move(stream));
    } catch (const std::system_error& error) {
      return no_thread(error);
    }
  }

  Status end(std::uint32_t stream) override {
    Lock lock(mutex_);
    if (stream >= readers_.size()) {
      return invalid("there is no stream " + std::to_string(stream));
    }
    Reader& reader = *readers_[stream];
    scheduler_.give_up_index(stream);
    reader.closing = true;
    reader.wakes->notify_one();
    const auto source = reader.source;
    lock.unlock();
    if (source) source->cancel();
    return {};
  }

  void interrupt() override {
    {
      Lock lock(mutex_);
      cut_short_ |= scheduler_.reading();
      close_sources();
    }
    cancel_sources();
  }

  void stop_now() override {
    {
      Lock lock(mutex_);
      cut_short_ |= !scheduler_.idle();
      stop(lock);
    }
    cancel_sources();
  }

  Status wait() override {
    join();
    Lock lock(mutex_);
    if (!failure_.ok()) return failure_;
    if (const Error* error = scheduler_.first_error()) return *error;
    if (cut_short_) return Error{ErrorCode::kCancelled, "stopped before the streams' end"};
    return {};
  }

  Stats snapshot() const override {
    Lock lock(mutex_);
    return scheduler_.snapshot(clock_.now());
  }

 private:
  struct Reader {
    std::size_t stream;
    std::shared_ptr<Source> source;  // until it has ended; shared with whoever cancels it
    Admission admission;
    std::unique_ptr<base::Condition> wakes;  // when there is room, or it is time to end
    bool closing = false;                    // no more frames are read
    std::unique_ptr<base::Thread> thread;    // until the stream is over; last: it uses the above
  };

  struct Lane;

  /// Holds a batch. Jobs are added in kOpen (kFree: to the first of a batch), one at a time, with
  /// kHeld meanwhile.
  struct Slot {
    enum class State : std::uint8_t { kFree, kOpen, kHeld, kRunning, kDone };

    bool full() const { return tickets.size() == batch; }
    std::uint32_t kind() const { return tickets.front().payload().kind; }

    Lane* lane;
    std::size_t index;
    State state = State::kFree;
    std::uint64_t started = 0;  // place among the lane's starts
    std::vector<Ticket> tickets;
    std::size_t batch = 1;  // most tickets of this kind
    Instant opened;         // when the first job was taken
    Duration filling{0};    // spent with taking and preparing
    Status status;          // of the run, in kDone
  };

  struct Lane {
    Lane(ThreadedPipeline& owner, std::size_t place, std::unique_ptr<LaneRunner> lane_runner)
        : pipeline(owner),
          index(place),
          runner(std::move(lane_runner)),
          wakes(owner.clock_.make_condition()),
          slots{Slot{this, 0}, Slot{this, 1}} {}

    Slot* slot_in(Slot::State state) {
      const auto slot = std::find_if(slots.begin(), slots.end(),
                                     [state](const Slot& each) { return each.state == state; });
      return slot == slots.end() ? nullptr : &*slot;
    }

    /// Where the next job would go. A full batch has to start first, and a lane that failed shows
    /// with one run that it works again. One that rests is not woken for a job.
    Slot* slot_with_room() {
      if (health.rests()) return nullptr;
      Slot* open = slot_in(Slot::State::kOpen);
      if (open) return open->full() ? nullptr : open;
      Slot* free = slot_in(Slot::State::kFree);
      const bool tried = health.failures() == 0 || slots[0].state == slots[1].state;
      return tried ? free : nullptr;
    }

    /// Behind a run, until when the next job may still be taken without delaying its own.
    Instant taking_due() {
      if (!slot_in(Slot::State::kRunning) || !slot_in(Slot::State::kFree)) return Instant::min();
      if (!usual_run.known() || !usual_filling.known()) return Instant::min();
      return run_since + usual_run.shortest() - usual_filling.longest() - usual_delay.longest() -
             runner->overhead();
    }

    Slot* oldest_done() {
      Slot* oldest = nullptr;
      for (Slot& slot : slots) {
        if (slot.state != Slot::State::kDone) continue;
        if (!oldest || slot.started < oldest->started) oldest = &slot;
      }
      return oldest;
    }

    ThreadedPipeline& pipeline;
    std::size_t index;
    std::unique_ptr<LaneRunner> runner;
    std::unique_ptr<base::Condition> wakes;  // when a job is there or done, or it is time to end
    std::array<Slot, LaneRunner::kSlots> slots;
    std::uint64_t starts = 0;
    Instant run_since;  // when the run that runs now got the lane for itself
    UsualDuration usual_run, usual_filling;
    UsualDuration usual_delay;  // from when it would wake for the next job to when it did
    Duration delay{0};          // of that behind the run that runs now
    LaneHealth health;
    bool wants_job = false;  // waits with a free slot
  };

  // Readers.

  /// Under the mutex, which the new thread waits for. Throws std::system_error.
  std::uint32_t start_reader(Stream stream) {
    StreamOptions& options = stream.options;
    if (options.in_flight == 0) options.in_flight = usual_in_flight_;
    const std::size_t index = scheduler_.next_index();
    auto reader = std::make_unique<Reader>(Reader{
        index, std::move(stream.source), options.admission, clock_.make_condition(), false, {}});
    reader->thread = clock_.start_thread("read-" + std::to_string(index),
                                         [this, &reader = *reader] { run_reader(reader); });
    scheduler_.add_stream(options, clock_.now());
    if (index == readers_.size()) readers_.emplace_back();
    readers_[index] = std::move(reader);
    return static_cast<std::uint32_t>(index);
  }

  bool closing(const Reader& reader) const { return closed_ || reader.closing; }

  void run_reader(Reader& reader) {
    std::optional<Error> error;
    Lock lock(mutex_);
    for (;;) {
      if (reader.admission == Admission::kWait) wait_for_room(reader, lock);
      if (closing(reader)) break;
      scheduler_.reader_enters(reader.stream, ReaderPhase::kReading, clock_.now());
      lock.unlock();
      auto captured = reader.source->read();
      lock.lock();
      if (!captured.ok()) {
        // A source that calls its own cancelling an error has not failed.
        const bool cancelled = closing(reader) && captured.error().code == ErrorCode::kCancelled;
        if (!cancelled) error = std::move(captured).error();
        break;
      }
      if (!*captured) break;
      const Instant now = clock_.now();
      FrameInFlight* frame = scheduler_.admit(reader.stream, std::move(**captured), now);
      scheduler_.reader_enters(reader.stream, ReaderPhase::kPlanning, now);
      report_dropped(lock);
      if (frame) plan(*frame, lock);
    }
    scheduler_.reader_enters(reader.stream, ReaderPhase::kIdle, clock_.now());
    auto source = std::move(reader.source);
    lock.unlock();
    source.reset();
    lock.lock();
    scheduler_.reader_ends(reader.stream, std::move(error), clock_.now());
    wake_if_over();
  }

  void wait_for_room(Reader& reader, Lock& lock) {
    if (closing(reader) || scheduler_.has_room(reader.stream)) return;
    scheduler_.reader_enters(reader.stream, ReaderPhase::kBlocked, clock_.now());
    while (!closing(reader) && !scheduler_.has_room(reader.stream)) reader.wakes->wait(lock);
  }

  void plan(FrameInFlight& frame, Lock& lock) {
    lock.unlock();
    auto jobs = stages_.plan(frame.id, *frame.payload);
    if (jobs.ok() && jobs->empty()) jobs = stages_.collect(frame.id, *frame.payload, {});
    lock.lock();
    next_round(frame, std::move(jobs), lock);
  }

  /// What plan or collect said is to be done next.
  void next_round(FrameInFlight& frame, Result<JobPayloads> jobs, Lock& lock) {
    if (!jobs.ok()) {
      if (frame.status.ok()) frame.status = std::move(jobs).error();
    } else if (frame.status.ok() && !jobs->empty()) {
      for (auto& payload : *jobs) frame.jobs.push_back({std::move(payload), {}});
      scheduler_.submit(frame, clock_.now());
      wake_lanes();
      report_dropped(lock);
      return;
    } else {
      jobs->clear();  // before the frame, which they may point to, can go
    }
    scheduler_.ready(frame, clock_.now());
    if (scheduler_.can_deliver()) release_wakes_->notify_one();
    report_dropped(lock);
  }

  // Lanes.

  void run_lane(Lane& lane) {
    Lock lock(mutex_);
    for (;;) {
      Slot* slot_with_room = lane.slot_with_room();
      const Instant due = taking_due(lane);
      const bool holds_off = slot_with_room && clock_.now() < due;
      if (slot_with_room && !holds_off && add_job(*slot_with_room, lock)) continue;
      Slot* open = lane.slot_in(Slot::State::kOpen);
      if (open && !may_wait(*open)) {
        start(*open, lock);
        continue;
      }
      if (Slot* slot = lane.oldest_done()) {
        finish(*slot, lock);
        continue;
      }
      const bool runs = lane.slot_in(Slot::State::kRunning) != nullptr;
      if (runs && run_timeout_ > Duration::zero() &&
          clock_.now() >= lane.run_since + run_timeout_) {
        abandon_runs(lane, lock);
        continue;
      }
      const bool empty = scheduler_.jobs_with(lane.index) == 0;
      if (empty && (scheduler_.stopped() || scheduler_.finished())) return;
      const bool rests = !runs && lane.health.rests();
      if (rests && clock_.now() >= lane.health.rests_until()) {
        mend(lane, lock);
        continue;
      }
      scheduler_.lane_enters(lane.index,
                             rests   ? LanePhase::kResting
                             : empty ? LanePhase::kStarved
                                     : LanePhase::kWaiting,
                             clock_.now());
      lane.wants_job = slot_with_room && !holds_off;
      if (holds_off) {
        lane.wakes->wait_until(lock, due);
        lane.delay = std::max(Duration::zero(), clock_.now() - due);
      } else if (rests) {
        lane.wakes->wait_until(lock, lane.health.rests_until());
      } else if (open && !runs) {
        lane.wakes->wait_until(lock, open->opened + batch_wait_);
      } else if (runs && run_timeout_ > Duration::zero()) {
        lane.wakes->wait_until(lock, lane.run_since + run_timeout_);
      } else {
        lane.wakes->wait(lock);
      }
      lane.wants_job = false;
    }
  }

  /// Until when the lane leaves what would only wait behind its run: a newer frame may come, or
  /// another lane be free before it. A batch is filled from the first job that comes, or frames of
  /// one stream could hardly meet in it.
  Instant taking_due(Lane& lane) const {
    const bool holds_off = !takes_batches_ && scheduler_.newest_wins();
    return holds_off ? lane.taking_due() : Instant::min();
  }

  /// Takes a job into the slot, if there is one for it. False: there was none, and the mutex was
  /// held all the time.
  bool add_job(Slot& slot, Lock& lock) {
    Lane& lane = *slot.lane;
    const bool first = slot.tickets.empty();
    const Instant now = clock_.now();
    const auto ticket =
        first ? scheduler_.take(lane.index, now) : scheduler_.take(lane.index, now, slot.kind());
    if (!ticket) return report_dropped(lock);
    if (first) {
      slot.opened = now;
      slot.filling = Duration::zero();
      slot.batch = std::max<std::size_t>(1, lane.runner->batch(ticket->payload().kind));
    }
    const LanePlace place{slot.index, slot.tickets.size()};
    slot.tickets.push_back(*ticket);
    slot.state = Slot::State::kHeld;
    lock.unlock();
    Status prepared = lane.runner->prepare(place, ticket->payload());
    lock.lock();
    slot.state = Slot::State::kOpen;
    if (!prepared.ok() || scheduler_.stopped()) {
      slot.tickets.pop_back();
      if (slot.tickets.empty()) slot.state = Slot::State::kFree;
      give_back(lane, *ticket, std::move(prepared), lock);
    } else {
      scheduler_.lane_enters(lane.index, LanePhase::kWaiting, clock_.now());
      report_dropped(lock);
      slot.filling += clock_.now() - now;
    }
    return true;
  }

  /// Whether an open slot's batch may still wait for more jobs.
  bool may_wait(const Slot& slot) {
    Lane& lane = *slot.lane;
    if (slot.full() || scheduler_.stopped() || scheduler_.has_job_for(lane.index)) return false;
    return lane.slot_in(Slot::State::kRunning) || clock_.now() < slot.opened + batch_wait_;
  }

  void start(Slot& slot, Lock& lock) {
    Lane& lane = *slot.lane;
    if (scheduler_.stopped()) return finish(slot, lock);
    const Instant now = clock_.now();
    if (!lane.slot_in(Slot::State::kRunning)) lane.run_since = now;
    lane.usual_filling.add(slot.filling);
    slot.state = Slot::State::kRunning;
    slot.started = ++lane.starts;
    scheduler_.run_begins(lane.index, now);
    scheduler_.lane_enters(lane.index, LanePhase::kWaiting, now);
    lock.unlock();
    // Two words, so that the std::function allocates nothing.
    lane.runner->start(slot.index, slot.tickets.size(),
                       [place = &slot, run = slot.started](Status status) {
                         place->lane->pipeline.run_ended(*place, run, std::move(status));
                       });
    lock.lock();
  }

  /// On the runtime's thread, or within start().
  void run_ended(Slot& slot, std::uint64_t run, Status status) {
    Lock lock(mutex_);
    if (slot.state != Slot::State::kRunning || slot.started != run) return;  // it was abandoned
    Lane& lane = *slot.lane;
    const Instant now = clock_.now();
    lane.usual_run.add(now - std::exchange(lane.run_since, now));
    lane.usual_delay.add(std::exchange(lane.delay, Duration::zero()));
    scheduler_.run_ends(lane.index, now);
    slot.status = std::move(status);
    slot.state = Slot::State::kDone;
    lane.wakes->notify_one();
  }

  void finish(Slot& slot, Lock& lock) {
    Lane& lane = *slot.lane;
    slot.state = Slot::State::kHeld;
    const Status run = std::exchange(slot.status, {});
    if (is_fault(run)) return take_out(lane, run.error(), lock);
    if (run.ok()) lane.health.worked();
    for (std::size_t item = 0; item < slot.tickets.size(); ++item) {
      const Ticket ticket = slot.tickets[item];
      Status status = run;
      if (status.ok() && !scheduler_.stopped()) {
        scheduler_.lane_enters(lane.index, LanePhase::kFinish, clock_.now());
        lock.unlock();
        status = lane.runner->finish({slot.index, item}, ticket.payload());
        lock.lock();
      }
      give_back(lane, ticket, std::move(status), lock);
    }
    slot.tickets.clear();
    slot.state = Slot::State::kFree;
  }

  /// The lane does not answer. What it is doing may go on, but nobody waits for it any more.
  void abandon_runs(Lane& lane, Lock& lock) {
    for (Slot& slot : lane.slots) {
      if (slot.state != Slot::State::kRunning) continue;
      scheduler_.run_ends(lane.index, clock_.now(), false);
      slot.state = Slot::State::kHeld;
    }
    const std::chrono::duration<double> waited = run_timeout_;
    std::ostringstream why;
    why << "no answer for " << waited.count() << " s";
    take_out(lane, {ErrorCode::kUnavailable, why.str()}, lock);
  }

  /// The lane failed: it rests, and what its slots hold is done elsewhere, but for what still runs
  /// or has run.
  void take_out(Lane& lane, const Error& why, Lock& lock) {
    const bool others_work = std::any_of(lanes_.begin(), lanes_.end(), [&](const auto& each) {
      return each.get() != &lane && !each->health.rests();
    });
    lane.health.failed(clock_.now(), others_work);
    scheduler_.lane_fails(lane.index, why.message);
    std::vector<Ticket> given_back;
    for (Slot& slot : lane.slots) {
      if (slot.state != Slot::State::kHeld && slot.state != Slot::State::kOpen) continue;
      for (const Ticket& ticket : slot.tickets) {
        if (!scheduler_.retry(lane.index, ticket)) given_back.push_back(ticket);
      }
      slot.tickets.clear();
      slot.state = Slot::State::kFree;
    }
    for (const Ticket& ticket : given_back) give_back(lane, ticket, why, lock);
    const auto lost = [](const auto& each) { return each->health.failures() >= kMostFaults; };
    if (std::all_of(lanes_.begin(), lanes_.end(), lost) && !scheduler_.stopped()) {
      return give_up(why, lock);
    }
    wake_lanes();
  }

  void mend(Lane& lane, Lock& lock) {
    lock.unlock();
    Status mended = lane.runner->mend();
    lock.lock();
    lane.health.returns();
    scheduler_.lane_returns(lane.index);
    if (!mended.ok()) take_out(lane, mended.error(), lock);
  }

  void give_back(Lane& lane, const Ticket& ticket, Status status, Lock& lock) {
    if (scheduler_.give_back(lane.index, ticket, std::move(status), clock_.now())) {
      scheduler_.lane_enters(lane.index, LanePhase::kCollect, clock_.now());
      lock.unlock();
      auto jobs = collect(*ticket.frame);
      lock.lock();
      next_round(*ticket.frame, std::move(jobs), lock);
    } else {
      report_dropped(lock);
    }
  }

  Result<JobPayloads> collect(FrameInFlight& frame) {
    auto jobs = stages_.collect(frame.id, *frame.payload, frame.jobs);
    const auto failed = std::find_if(frame.jobs.begin(), frame.jobs.end(),
                                     [](const Job& job) { return !job.status.ok(); });
    if (failed != frame.jobs.end()) frame.status = failed->status;
    frame.jobs.clear();
    return jobs;
  }

  // Release.

  void run_release() {
    Lock lock(mutex_);
    for (;;) {
      while (tell_over(lock)) {
      }
      if (!scheduler_.can_deliver()) {
        if (scheduler_.finished() && scheduler_.all_told()) return;
        release_wakes_->wait(lock);
        continue;
      }
      FrameInFlight& frame = scheduler_.begin_delivery(clock_.now());
      const bool failed = !frame.status.ok();
      lock.unlock();
      Status delivered = stages_.deliver(
          {frame.id, frame.captured, std::move(frame.payload), std::move(frame.status)});
      lock.lock();
      scheduler_.end_delivery(frame, delivered.ok(), failed, clock_.now());
      readers_[frame.id.stream]->wakes->notify_one();
      if (!delivered.ok()) {
        give_up(std::move(delivered), lock);
      }
      report_dropped(lock);
    }
  }

  /// Whether there was a stream to tell of that it is over.
  bool tell_over(Lock& lock) {
    const auto stream = scheduler_.take_over();
    if (!stream) return false;
    auto thread = std::move(readers_[*stream]->thread);
    lock.unlock();
    thread.reset();
    stages_.ended(static_cast<std::uint32_t>(*stream));
    lock.lock();
    scheduler_.told_over(*stream);
    return true;
  }

  // All.

  /// A lane for each job that waits; those without any job first.
  void wake_lanes() {
    std::size_t jobs = scheduler_.queued_jobs();
    for (const bool empty : {true, false}) {
      for (auto& lane : lanes_) {
        if (jobs == 0) return;
        if (!lane->wants_job || (scheduler_.jobs_with(lane->index) == 0) != empty) continue;
        lane->wants_job = false;
        lane->wakes->notify_one();
        --jobs;
      }
    }
  }

  void wake_if_finished() {
    if (scheduler_.finished()) wake_all();
  }

  void wake_if_over() {
    if (scheduler_.has_over()) release_wakes_->notify_one();
    wake_if_finished();
  }

  void wake_all() {
    for (auto& reader : readers_) reader->wakes->notify_one();
    for (auto& lane : lanes_) lane->wakes->notify_one();
    release_wakes_->notify_one();
  }

  /// Destroys what was dropped, and tells of it, with the mutex released meanwhile. False: nothing
  /// was.
  bool report_dropped(Lock& lock) {
    wake_if_finished();
    auto dropped = scheduler_.take_dropped();
    if (dropped.empty()) return false;
    if (scheduler_.can_deliver()) release_wakes_->notify_one();  // what stood behind one of them
    lock.unlock();
    std::vector<FrameId> told;
    for (Dropped& frame : dropped) {
      stages_.dropped(frame.id, frame.reason);
      told.push_back(frame.id);
    }
    dropped.clear();
    lock.lock();
    for (const FrameId id : told) {
      scheduler_.told_dropped(id);
      readers_[id.stream]->wakes->notify_one();
    }
    wake_if_over();
    return true;
  }

  void close_sources() {
    closed_ = true;
    scheduler_.close(clock_.now());
    wake_all();
  }

  void stop(Lock& lock) {
    close_sources();
    scheduler_.stop(clock_.now());
    report_dropped(lock);
  }

  void give_up(Status why, Lock& lock) {
    failure_ = std::move(why);
    stop(lock);
    lock.unlock();
    cancel_sources();
    lock.lock();
  }

  void cancel_sources() {
    std::vector<std::shared_ptr<Source>> sources;
    {
      const Lock lock(mutex_);
      for (const auto& reader : readers_) sources.push_back(reader->source);
    }
    for (const auto& source : sources) {
      if (source) source->cancel();
    }
  }

  /// The release thread, which ends last, has joined the readers.
  void join() {
    for (auto& thread : threads_) thread->join();
  }

  Stages& stages_;
  base::Clock& clock_;
  const Duration batch_wait_;
  const Duration run_timeout_;
  const bool takes_batches_;
  const std::size_t usual_in_flight_;
  mutable std::mutex mutex_;  // guards all below but the sources and runners
  Scheduler scheduler_;
  std::vector<std::unique_ptr<Reader>> readers_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::unique_ptr<base::Condition> release_wakes_;
  bool closed_ = false;     // no more frames are read
  bool cut_short_ = false;  // by interrupt() or stop_now()
  Status failure_;          // why the pipeline gave up
  std::vector<std::unique_ptr<base::Thread>> threads_;
};

}  // namespace

Result<std::unique_ptr<Pipeline>> Pipeline::start(std::vector<Stream> streams, Lanes lanes,
                                                  Stages& stages, base::Clock& clock, Until until) {
  if (streams.empty() && until == Until::kStreamsEnd)
    return invalid("at least one stream is needed");
  const auto& runners = lanes.runners;
  if (runners.empty()) return invalid("at least one lane is needed");
  if (std::count(runners.begin(), runners.end(), nullptr) > 0) {
    return invalid("a lane has no runner");
  }
  if (lanes.batch_wait < Duration::zero() || lanes.batch_wait > kMaxBatchWait) {
    return invalid("batch_wait is out of its range, expected 0..1 s");
  }

  for (std::size_t i = 0; i < streams.size(); ++i) {
    OSPREY_TRY(check(streams[i], "stream " + std::to_string(i)));
  }

  auto pipeline =
      std::make_unique<ThreadedPipeline>(std::move(lanes), stages, clock, until == Until::kTold);
  try {
    pipeline->start_threads(std::move(streams));
  } catch (const std::system_error& error) {
    return no_thread(error);
  }
  return std::unique_ptr<Pipeline>(std::move(pipeline));
}

}  // namespace osprey::pipeline
