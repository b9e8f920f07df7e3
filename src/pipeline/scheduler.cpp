// SPDX-License-Identifier: Apache-2.0
#include "pipeline/scheduler.hpp"

#include <algorithm>
#include <cassert>
#include <tuple>
#include <utility>

namespace osprey::pipeline {

namespace {

/// For a lane to take its first job.
bool is_waiting(const FrameInFlight* frame) {
  return frame->stage == FrameInFlight::Stage::kRunning && !frame->touched;
}

}  // namespace

bool Scheduler::goes_after(const Waiting& a, const Waiting& b) {
  return std::tie(a.frame->deadline, a.frame->id.sequence, a.frame->id.stream, a.next) >
         std::tie(b.frame->deadline, b.frame->id.sequence, b.frame->id.stream, b.next);
}

Scheduler::StreamState::StreamState(const StreamOptions& stream_options, base::Instant now)
    : options(stream_options),
      reader(now),
      added(now),
      latency(std::make_unique<LatencyHistogram>()),
      recent(std::make_unique<RecentLatency>(now)) {}

Scheduler::Scheduler(const std::vector<StreamOptions>& streams, std::size_t lanes,
                     base::Instant now, bool stays_open)
    : readers_(streams.size()),
      idle_lanes_(lanes),
      stays_open_(stays_open),
      start_(now),
      release_(now),
      starvation_accounted_(now) {
  streams_.reserve(streams.size());
  for (const StreamOptions& options : streams) streams_.emplace_back(options, now);
  lanes_.assign(lanes, LaneState(now));
}

std::size_t Scheduler::next_index() const {
  const auto gone = std::find_if(streams_.begin(), streams_.end(), [](const StreamState& each) {
    return each.end == StreamState::End::kTold && each.given_up;
  });
  return static_cast<std::size_t>(gone - streams_.begin());
}

std::size_t Scheduler::add_stream(const StreamOptions& options, base::Instant now) {
  account_starvation(now);
  ++readers_;
  const std::size_t index = next_index();
  if (index == streams_.size()) {
    streams_.emplace_back(options, now);
    return index;
  }
  StreamState& gone = streams_[index];
  ++past_.streams;
  past_.captured += gone.captured;
  past_.delivered += gone.delivered;
  past_.failed += gone.failed;
  for (std::size_t i = 0; i < kDropReasons; ++i) past_.dropped_by[i] += gone.dropped_by[i];
  gone = StreamState(options, now);
  return index;
}

bool Scheduler::has_over() const {
  return std::any_of(streams_.begin(), streams_.end(),
                     [](const StreamState& each) { return each.over(); });
}

const Error* Scheduler::first_error() const {
  const auto failed = std::find_if(streams_.begin(), streams_.end(), [](const StreamState& each) {
    return each.error && !each.given_up;
  });
  return failed == streams_.end() ? nullptr : &*failed->error;
}

std::optional<std::size_t> Scheduler::take_over() {
  const auto over = std::find_if(streams_.begin(), streams_.end(),
                                 [](const StreamState& each) { return each.over(); });
  if (over == streams_.end()) return std::nullopt;
  over->end = StreamState::End::kBeingTold;
  return static_cast<std::size_t>(over - streams_.begin());
}

bool Scheduler::all_told() const {
  return std::all_of(streams_.begin(), streams_.end(),
                     [](const StreamState& each) { return each.end == StreamState::End::kTold; });
}

void Scheduler::close(base::Instant now) {
  stays_open_ = false;
  note_end(now);
}

bool Scheduler::has_room(std::size_t stream) const {
  return streams_[stream].has_room();
}

void Scheduler::reader_enters(std::size_t stream, ReaderPhase phase, base::Instant now) {
  streams_[stream].reader.enter(phase, now);
}

FrameInFlight* Scheduler::admit(std::size_t stream, Captured captured, base::Instant now) {
  account_starvation(now);
  StreamState& state = streams_[stream];
  const FrameId id{static_cast<std::uint32_t>(stream), state.captured++};

  if (!stopped_ && !state.has_room() && state.options.admission == Admission::kDropOldest) {
    if (FrameInFlight* oldest = oldest_waiting(state)) {
      drop(*oldest, DropReason::kOldest);
      give_place(state);
    }
  }
  if (stopped_ || !state.has_room()) {
    const DropReason reason = stopped_ ? DropReason::kStopped : DropReason::kNewest;
    count_drop(state, {id, reason, std::move(captured.payload), {}});
    return nullptr;
  }

  if (state.free.empty()) {
    state.pool.push_back(std::make_unique<FrameInFlight>());
    state.free.push_back(state.pool.back().get());
  }
  FrameInFlight* frame = state.free.back();
  state.free.pop_back();
  frame->id = id;
  frame->captured = now;
  const bool waits = state.options.admission == Admission::kWait;
  frame->deadline = captured.deadline.value_or(waits ? now : base::Instant::max());
  frame->stage = FrameInFlight::Stage::kPlanning;
  frame->status = {};
  frame->payload = std::move(captured.payload);
  frame->touched = false;
  state.order.push_back(frame);
  ++in_flight_;
  return frame;
}

void Scheduler::submit(FrameInFlight& frame, base::Instant now) {
  assert(!frame.jobs.empty());
  if (stopped_) {
    drop(frame, DropReason::kStopped);
    return note_end(now);
  }
  frame.stage = FrameInFlight::Stage::kRunning;
  enter_queue(frame);
  give_place(stream_of(frame));
}

void Scheduler::reader_ends(std::size_t stream, std::optional<Error> error, base::Instant now) {
  account_starvation(now);
  StreamState& state = streams_[stream];
  state.reader.enter(ReaderPhase::kIdle, now);
  state.end = StreamState::End::kSource;
  state.ended_at = now;
  state.error = std::move(error);
  --readers_;
  note_end(now);
}

bool Scheduler::newest_wins() const {
  return std::all_of(streams_.begin(), streams_.end(), [](const StreamState& each) {
    const bool gone = each.ended() && each.in_flight() == 0;
    return gone || each.options.admission == Admission::kDropOldest;
  });
}

bool Scheduler::has_job_for(std::size_t lane) const {
  if (lanes_[lane].out_of_use) return false;
  // A job beside others only waits there: leave it to a lane that can run it at once.
  return queued_jobs_ > (lanes_[lane].jobs_held == 0 ? 0 : idle_lanes_);
}

std::optional<Ticket> Scheduler::take(std::size_t lane, base::Instant now,
                                      std::optional<std::uint32_t> kind) {
  const auto find = [&] {
    return std::find_if(queue_.rbegin(), queue_.rend(),
                        [&](const Waiting& each) { return !kind || each.kind == *kind; });
  };
  auto next = queue_.rend();
  do {
    if (!has_job_for(lane)) return std::nullopt;
    next = find();
    if (next == queue_.rend()) return std::nullopt;
  } while (drop_late(*next->frame, now));
  LaneState& state = lanes_[lane];
  FrameInFlight& frame = *next->frame;
  const Ticket ticket{&frame, next->next++};
  if (next->next == next->end) queue_.erase(std::next(next).base());
  --queued_jobs_;
  --frame.waiting;
  ++frame.with_lanes;
  if (!std::exchange(frame.touched, true)) note_turn(stream_of(frame), now);
  if (state.jobs_held++ == 0) --idle_lanes_;
  lane_enters(lane, LanePhase::kPrepare, now);
  return ticket;
}

void Scheduler::run_begins(std::size_t lane, base::Instant now) {
  LaneState& state = lanes_[lane];
  if (state.running++ > 0) return;
  state.run.enter(RunPhase::kBusy, now);
  state.run_since = now;
}

void Scheduler::run_ends(std::size_t lane, base::Instant now, bool answered) {
  LaneState& state = lanes_[lane];
  if (answered) {
    const Duration run = now - state.run_since;
    state.runs.add(run);
    usual_run_.add(run);
  }
  state.run_since = now;
  if (--state.running == 0) state.run.enter(RunPhase::kIdle, now);
}

void Scheduler::lane_enters(std::size_t lane, LanePhase phase, base::Instant now) {
  LaneState& state = lanes_[lane];
  account_starvation(now);
  if (state.thread.phase() == LanePhase::kStarved) {
    --starved_lanes_;
    last_starved_ = now;
  }
  starved_lanes_ += phase == LanePhase::kStarved;
  state.thread.enter(phase, now);
}

bool Scheduler::give_back(std::size_t lane, const Ticket& ticket, Status status,
                          base::Instant now) {
  LaneState& state = lanes_[lane];
  ++state.jobs;
  state.failures += !status.ok() && !stopped_;
  note_released(state);

  FrameInFlight& frame = *ticket.frame;
  frame.jobs[ticket.job].status = std::move(status);
  if (--frame.with_lanes > 0) return false;
  if (stopped_) {
    drop(frame, DropReason::kStopped);
    note_end(now);
    return false;
  }
  if (frame.waiting > 0) return false;
  frame.stage = FrameInFlight::Stage::kCollecting;
  return true;
}

void Scheduler::note_released(LaneState& lane) {
  if (--lane.jobs_held == 0 && !lane.out_of_use) ++idle_lanes_;
}

void Scheduler::lane_fails(std::size_t lane, const std::string& why) {
  LaneState& state = lanes_[lane];
  state.last_fault = why;
  if (std::exchange(state.out_of_use, true)) return;
  ++state.faults;
  if (state.jobs_held == 0) --idle_lanes_;
}

void Scheduler::lane_returns(std::size_t lane) {
  LaneState& state = lanes_[lane];
  state.out_of_use = false;
  if (state.jobs_held == 0) ++idle_lanes_;
}

bool Scheduler::retry(std::size_t lane, const Ticket& ticket) {
  FrameInFlight& frame = *ticket.frame;
  Job& job = frame.jobs[ticket.job];
  if (stopped_ || ++job.faults >= kMostTries) return false;
  note_released(lanes_[lane]);
  --frame.with_lanes;
  enter_queue({&frame, ticket.job, ticket.job + 1, job.payload->kind});
  return true;
}

void Scheduler::ready(FrameInFlight& frame, base::Instant now) {
  account_starvation(now);
  if (stopped_) {
    drop(frame, DropReason::kStopped);
    return note_end(now);
  }
  frame.stage = FrameInFlight::Stage::kReady;
  look_at_head(frame.id.stream);
}

FrameInFlight& Scheduler::begin_delivery(base::Instant now) {
  account_starvation(now);
  const std::size_t stream = deliverable_.front();
  deliverable_.pop_front();
  streams_[stream].deliverable = false;
  FrameInFlight& frame = *streams_[stream].order.front();
  frame.stage = FrameInFlight::Stage::kDelivering;
  leave_order(frame);
  release_.enter(ReleasePhase::kDelivering, now);
  delivery_began_ = now;
  return frame;
}

void Scheduler::end_delivery(FrameInFlight& frame, bool delivered, bool failed, base::Instant now) {
  account_starvation(now);
  release_.enter(ReleasePhase::kWaiting, now);
  StreamState& state = stream_of(frame);
  state.delivering += now - delivery_began_;
  if (delivered) {
    ++state.delivered;
    state.failed += failed;
    const Duration latency = now - frame.captured;
    latency_.add(latency);
    state.latencies.add(latency);
    state.latency->add(latency);
    state.recent->add(latency, now);
    recycle(frame);
  } else {
    drop(frame, DropReason::kStopped);
  }
  note_end(now);
}

void Scheduler::stop(base::Instant now) {
  if (stopped_) return;
  account_starvation(now);
  stopped_ = true;
  queue_.clear();
  queued_jobs_ = 0;
  deliverable_.clear();
  for (StreamState& state : streams_) {
    state.deliverable = false;
    for (FrameInFlight* frame : std::vector(state.order)) {
      frame->waiting = 0;
      const bool with_nobody =
          frame->stage == FrameInFlight::Stage::kRunning && frame->with_lanes == 0;
      if (with_nobody || frame->stage == FrameInFlight::Stage::kReady) {
        drop(*frame, DropReason::kStopped);
      }
    }
  }
  note_end(now);
}

Stats Scheduler::snapshot(base::Instant now) const {
  Stats stats;
  now = end_.value_or(now);
  stats.elapsed = now - start_;
  stats.past = past_;
  for (const StreamState& state : streams_) {
    stats.streams.push_back({
        .captured = state.captured,
        .delivered = state.delivered,
        .failed = state.failed,
        .dropped_by = state.dropped_by,
        .in_flight = state.in_flight(),
        .reading = state.reader.spent_in(ReaderPhase::kReading, now),
        .blocked = state.reader.spent_in(ReaderPhase::kBlocked, now),
        .planning = state.reader.spent_in(ReaderPhase::kPlanning, now),
        .delivering = state.delivering,
        .elapsed = state.ended_at.value_or(now) - state.added,
        .latency = state.latency->stats(),
        .recent = state.recent->stats(now),
        .latencies = state.latencies,
        .ended = state.ended(),
        .error = state.error,
    });
  }
  for (const LaneState& state : lanes_) {
    stats.lanes.push_back({
        .jobs = state.jobs,
        .failures = state.failures,
        .faults = state.faults,
        .last_fault = state.last_fault,
        .runs = state.runs,
        .busy = state.run.spent_in(RunPhase::kBusy, now),
        .resting = state.thread.spent_in(LanePhase::kResting, now),
        .starved = state.thread.spent_in(LanePhase::kStarved, now),
        .prepare = state.thread.spent_in(LanePhase::kPrepare, now),
        .finish = state.thread.spent_in(LanePhase::kFinish, now),
        .collect = state.thread.spent_in(LanePhase::kCollect, now),
    });
  }
  stats.delivering = release_.spent_in(ReleasePhase::kDelivering, now);
  stats.starved_by_source = starved_by_source_;
  stats.starved_by_output = starved_by_output_;
  const Duration unaccounted = std::max(Duration::zero(), now - starvation_accounted_) *
                               static_cast<Duration::rep>(starved_lanes_);
  (held_by_output() ? stats.starved_by_output : stats.starved_by_source) += unaccounted;
  stats.latency = latency_.stats();
  return stats;
}

FrameInFlight* Scheduler::oldest_waiting(const StreamState& stream) {
  const auto frame = std::find_if(stream.order.begin(), stream.order.end(), is_waiting);
  return frame == stream.order.end() ? nullptr : *frame;
}

FrameInFlight* Scheduler::newest_waiting(const StreamState& stream) {
  const auto frame = std::find_if(stream.order.rbegin(), stream.order.rend(), is_waiting);
  return frame == stream.order.rend() ? nullptr : *frame;
}

void Scheduler::give_place(StreamState& stream) {
  FrameInFlight* first = oldest_waiting(stream);
  if (!first || first->deadline != base::Instant::max()) return;
  leave_queue(*first);
  first->deadline = stream.last_turn.value_or(stream.added);
  enter_queue(*first);
}

Duration Scheduler::patience_with(const StreamState& stream, base::Instant now) const {
  const Duration usual = stream.usual_turn.mean() / 2, two_runs = 2 * usual_run_.mean();
  const bool were_idle = starved_lanes_ > 0 || now - last_starved_ <= two_runs;
  return were_idle ? std::max(usual, two_runs) : usual;
}

bool Scheduler::drop_late(FrameInFlight& frame, base::Instant now) {
  if (frame.touched) return false;
  StreamState& stream = stream_of(frame);
  const Duration age = now - frame.captured;
  if (stream.options.max_age > Duration::zero() && age > stream.options.max_age) {
    drop(frame, DropReason::kTooOld);
  } else {
    if (stream.options.admission != Admission::kDropOldest) return false;
    if (usual_run_.mean() == Duration::zero() || age <= patience_with(stream, now)) return false;
    const FrameInFlight* newest = newest_waiting(stream);
    if (newest == &frame) return false;
    while (FrameInFlight* each = oldest_waiting(stream)) {
      if (each == newest) break;
      drop(*each, DropReason::kOldest);
    }
  }
  give_place(stream);
  note_end(now);
  return true;
}

void Scheduler::note_turn(StreamState& stream, base::Instant now) {
  if (stream.last_turn && usual_run_.known()) {
    // A camera that was away for an hour says nothing of its turns.
    const Duration most = 4 * std::max(stream.usual_turn.mean(), usual_run_.mean());
    stream.usual_turn.add(std::min(now - *stream.last_turn, most));
  }
  stream.last_turn = now;
  give_place(stream);
}

void Scheduler::drop(FrameInFlight& frame, DropReason reason) {
  leave_queue(frame);
  leave_order(frame);
  count_drop(stream_of(frame), {frame.id, reason, std::move(frame.payload), std::move(frame.jobs)});
  recycle(frame);
}

void Scheduler::count_drop(StreamState& stream, Dropped dropped) {
  ++stream.dropped_by[static_cast<std::size_t>(dropped.reason)];
  ++stream.untold;
  dropped_.push_back(std::move(dropped));
}

void Scheduler::recycle(FrameInFlight& frame) {
  frame.jobs.clear();
  stream_of(frame).free.push_back(&frame);
  --in_flight_;
}

void Scheduler::enter_queue(FrameInFlight& frame) {
  const auto& jobs = frame.jobs;
  for (std::size_t begin = 0, end = 0; begin < jobs.size(); begin = end) {
    const auto kind = jobs[begin].payload->kind;
    while (end < jobs.size() && jobs[end].payload->kind == kind) ++end;
    enter_queue({&frame, begin, end, kind});
  }
}

void Scheduler::enter_queue(const Waiting& waiting) {
  queue_.insert(std::lower_bound(queue_.begin(), queue_.end(), waiting, goes_after), waiting);
  waiting.frame->waiting += waiting.end - waiting.next;
  queued_jobs_ += waiting.end - waiting.next;
}

void Scheduler::leave_queue(FrameInFlight& frame) {
  if (frame.waiting == 0) return;
  std::erase_if(queue_, [&](const Waiting& each) { return each.frame == &frame; });
  queued_jobs_ -= std::exchange(frame.waiting, 0);
}

void Scheduler::leave_order(FrameInFlight& frame) {
  std::vector<FrameInFlight*>& order = stream_of(frame).order;
  const auto place = std::find(order.begin(), order.end(), &frame);
  if (place == order.end()) return;
  order.erase(place);
  look_at_head(frame.id.stream);
}

void Scheduler::look_at_head(std::size_t stream) {
  StreamState& state = streams_[stream];
  if (stopped_ || state.deliverable || state.order.empty()) return;
  if (state.order.front()->stage != FrameInFlight::Stage::kReady) return;
  state.deliverable = true;
  deliverable_.push_back(stream);
}

void Scheduler::account_starvation(base::Instant now) {
  const Duration starved =
      (now - starvation_accounted_) * static_cast<Duration::rep>(starved_lanes_);
  starvation_accounted_ = now;
  if (starved > Duration::zero()) {
    (held_by_output() ? starved_by_output_ : starved_by_source_) += starved;
  }
}

bool Scheduler::held_by_output() const {
  const bool output_works = release_.phase() == ReleasePhase::kDelivering || !deliverable_.empty();
  return output_works && std::none_of(streams_.begin(), streams_.end(), [](const auto& stream) {
           return !stream.ended() && stream.has_room();
         });
}

void Scheduler::note_end(base::Instant now) {
  if (finished() && !end_) end_ = now;
}

}  // namespace osprey::pipeline
