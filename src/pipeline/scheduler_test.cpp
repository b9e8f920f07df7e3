// SPDX-License-Identifier: Apache-2.0
// The state machine alone: no threads, time given by hand.
#include "pipeline/scheduler.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace osprey::pipeline {
namespace {

using namespace std::chrono_literals;
using base::Instant;

struct BareFrame final : FramePayload {};
struct BareJob final : JobPayload {};

constexpr StreamOptions kFour{Admission::kWait, 4};

/// Reads and plans a frame of `jobs` jobs.
FrameInFlight* feed(Scheduler& scheduler, std::size_t stream, std::size_t jobs, Instant now,
                    std::optional<Instant> deadline = std::nullopt) {
  FrameInFlight* frame = scheduler.admit(stream, {std::make_unique<BareFrame>(), deadline}, now);
  if (!frame) return nullptr;
  for (std::size_t i = 0; i < jobs; ++i) frame->jobs.push_back({std::make_unique<BareJob>(), {}});
  if (jobs > 0) {
    scheduler.submit(*frame, now);
  } else {
    scheduler.ready(*frame, now);
  }
  return frame;
}

/// A job run to its end on an otherwise empty lane.
void work(Scheduler& scheduler, std::size_t lane, const Ticket& ticket, Instant now) {
  if (scheduler.give_back(lane, ticket, {}, now)) {
    ticket.frame->jobs.clear();
    scheduler.ready(*ticket.frame, now);
  }
}

FrameId deliver(Scheduler& scheduler, Instant now) {
  FrameInFlight& frame = scheduler.begin_delivery(now);
  const FrameId id = frame.id;
  frame.payload.reset();
  scheduler.end_delivery(frame, true, false, now);
  return id;
}

TEST(Scheduler, hands_out_jobs_by_deadline_then_frame_then_job) {
  Scheduler scheduler({kFour, kFour}, 1, Instant());
  feed(scheduler, 0, 2, Instant(1ms));
  feed(scheduler, 0, 1, Instant(2ms));
  feed(scheduler, 1, 2, Instant(2ms));
  feed(scheduler, 1, 1, Instant(3ms), Instant(0ms));
  struct Expected {
    FrameId frame;
    std::size_t job;
  };
  const Expected expected[] = {{{1, 1}, 0}, {{0, 0}, 0}, {{0, 0}, 1},
                               {{1, 0}, 0}, {{1, 0}, 1}, {{0, 1}, 0}};
  EXPECT_EQ(scheduler.queued_jobs(), std::size(expected));
  for (const Expected& each : expected) {
    const auto ticket = scheduler.take(0, Instant(4ms));
    ASSERT_TRUE(ticket);
    EXPECT_EQ(ticket->frame->id, each.frame);
    EXPECT_EQ(ticket->job, each.job);
    work(scheduler, 0, *ticket, Instant(4ms));
  }
  EXPECT_FALSE(scheduler.take(0, Instant(4ms)));
}

TEST(Scheduler, a_stream_keeps_its_place_if_its_frame_is_taken_while_the_next_is_planned) {
  const StreamOptions camera{Admission::kDropOldest, 8};
  Scheduler scheduler({camera, camera}, 1, Instant());
  feed(scheduler, 0, 1, Instant(1ms));
  FrameInFlight* next = scheduler.admit(0, {std::make_unique<BareFrame>(), {}}, Instant(2ms));
  const auto first = scheduler.take(0, Instant(3ms));
  ASSERT_TRUE(first);
  next->jobs.push_back({std::make_unique<BareJob>(), {}});
  scheduler.submit(*next, Instant(4ms));
  work(scheduler, 0, *first, Instant(5ms));
  for (int n = 0; n < 3; ++n) feed(scheduler, 1, 1, Instant(5ms));
  const FrameId expected[] = {{1, 0}, {0, 1}, {1, 1}};  // by their streams' last turns
  for (const FrameId& id : expected) {
    const auto ticket = scheduler.take(0, Instant(6ms));
    ASSERT_TRUE(ticket);
    EXPECT_EQ(ticket->frame->id, id);
    work(scheduler, 0, *ticket, Instant(6ms));
  }
}

TEST(Scheduler, a_stream_that_never_had_a_turn_moves_up_though_its_frames_get_too_old) {
  const StreamOptions camera{Admission::kDropOldest, 8, 10ms};
  Scheduler scheduler({camera, camera}, 1, Instant());
  feed(scheduler, 0, 1, Instant(1ms));
  work(scheduler, 0, *scheduler.take(0, Instant(1ms)), Instant(2ms));
  feed(scheduler, 1, 1, Instant(2ms));
  feed(scheduler, 1, 1, Instant(15ms));
  feed(scheduler, 0, 1, Instant(15ms));
  const auto ticket = scheduler.take(0, Instant(16ms));
  ASSERT_TRUE(ticket);
  EXPECT_EQ(ticket->frame->id, (FrameId{1, 1}));
}

TEST(Scheduler, leaves_the_last_job_to_an_idle_lane) {
  Scheduler scheduler({kFour}, 2, Instant());
  feed(scheduler, 0, 3, Instant());
  const auto first = scheduler.take(0, Instant());
  ASSERT_TRUE(first);
  const auto second = scheduler.take(0, Instant());
  EXPECT_TRUE(second);  // one is left for lane 1
  EXPECT_FALSE(scheduler.take(0, Instant()));
  EXPECT_TRUE(scheduler.take(1, Instant()));
}

TEST(Scheduler, a_frame_waits_for_those_before_it_in_its_stream_only) {
  Scheduler scheduler({kFour, kFour}, 3, Instant());
  feed(scheduler, 0, 1, Instant(1ms));
  feed(scheduler, 0, 1, Instant(2ms));
  feed(scheduler, 1, 1, Instant(3ms));
  const auto a = scheduler.take(0, Instant(3ms));
  const auto b = scheduler.take(1, Instant(3ms));
  const auto c = scheduler.take(2, Instant(3ms));
  work(scheduler, 1, *b, Instant(4ms));
  EXPECT_FALSE(scheduler.can_deliver());
  work(scheduler, 2, *c, Instant(5ms));
  EXPECT_EQ(deliver(scheduler, Instant(5ms)), (FrameId{1, 0}));
  EXPECT_FALSE(scheduler.can_deliver());
  work(scheduler, 0, *a, Instant(6ms));
  EXPECT_EQ(deliver(scheduler, Instant(6ms)), (FrameId{0, 0}));
  EXPECT_EQ(deliver(scheduler, Instant(6ms)), (FrameId{0, 1}));
  EXPECT_FALSE(scheduler.can_deliver());
}

TEST(Scheduler, dropping_the_head_lets_a_ready_frame_behind_it_go) {
  Scheduler scheduler({{Admission::kDropOldest, 2}}, 1, Instant());
  feed(scheduler, 0, 1, Instant(1ms));
  feed(scheduler, 0, 0, Instant(2ms));
  EXPECT_FALSE(scheduler.can_deliver());
  feed(scheduler, 0, 1, Instant(3ms));
  ASSERT_TRUE(scheduler.can_deliver());
  EXPECT_EQ(deliver(scheduler, Instant(3ms)), (FrameId{0, 1}));
  const auto dropped = scheduler.take_dropped();
  ASSERT_EQ(dropped.size(), 1u);
  EXPECT_EQ(dropped[0].id, (FrameId{0, 0}));
  EXPECT_EQ(dropped[0].reason, DropReason::kOldest);
}

TEST(Scheduler, a_dropped_frames_place_in_the_queue_stays_its_streams) {
  Scheduler scheduler({{Admission::kDropOldest, 1}, {Admission::kDropOldest, 2}, kFour}, 1,
                      Instant());
  feed(scheduler, 0, 1, Instant(1ms));
  feed(scheduler, 1, 2, Instant(2ms));
  feed(scheduler, 1, 2, Instant(3ms));
  feed(scheduler, 2, 1, Instant(4ms));
  feed(scheduler, 1, 1, Instant(5ms));  // drops (1, 0): (1, 1) is next in line
  feed(scheduler, 0, 1, Instant(6ms));  // drops (0, 0): nobody of its stream but itself is in line
  EXPECT_EQ(scheduler.queued_jobs(), 5u);
  for (const FrameId id : {FrameId{0, 1}, {1, 1}, {1, 1}, {2, 0}, {1, 2}}) {
    const auto ticket = scheduler.take(0, Instant(7ms));
    ASSERT_TRUE(ticket);
    EXPECT_EQ(ticket->frame->id, id);
    work(scheduler, 0, *ticket, Instant(7ms));
  }
}

TEST(Scheduler, stopping_waits_for_what_others_hold_and_drops_the_rest_at_once) {
  Scheduler scheduler({{Admission::kWait, 6}}, 1, Instant());
  feed(scheduler, 0, 2, Instant());
  const auto held = scheduler.take(0, Instant());
  feed(scheduler, 0, 1, Instant());
  feed(scheduler, 0, 0, Instant());
  FrameInFlight* planning = scheduler.admit(0, {std::make_unique<BareFrame>(), {}}, Instant());
  scheduler.stop(Instant());
  EXPECT_EQ(scheduler.snapshot(Instant()).streams[0].in_flight, 2u);
  EXPECT_EQ(scheduler.take_dropped().size(), 2u);
  EXPECT_FALSE(scheduler.take(0, Instant()));
  EXPECT_FALSE(scheduler.can_deliver());
  EXPECT_FALSE(scheduler.give_back(0, *held, {}, Instant()));
  scheduler.ready(*planning, Instant());
  scheduler.reader_ends(0, std::nullopt, Instant());
  EXPECT_TRUE(scheduler.finished());
  const StreamStats stream = scheduler.snapshot(Instant()).streams[0];
  EXPECT_EQ(stream.dropped_by[static_cast<std::size_t>(DropReason::kStopped)], 4u);
  EXPECT_TRUE(stream.balanced());
}

TEST(Scheduler, starved_lanes_are_put_to_the_account_of_whoever_starves_them) {
  Scheduler scheduler({{Admission::kWait, 1}}, 2, Instant());
  scheduler.lane_enters(0, LanePhase::kStarved, Instant());
  scheduler.lane_enters(1, LanePhase::kStarved, Instant());
  feed(scheduler, 0, 0, Instant(10ms));     // 2 x 10 ms without a frame
  scheduler.begin_delivery(Instant(11ms));  // 2 x 1 ms with one that waits for delivery
  const Stats stats = scheduler.snapshot(Instant(15ms));  // 2 x 4 ms in delivery
  EXPECT_EQ(stats.starved_by_source, 20ms);
  EXPECT_EQ(stats.starved_by_output, 10ms);
  EXPECT_EQ(stats.lanes[0].starved, 15ms);
}

TEST(Scheduler, the_clock_of_its_statistics_stops_at_the_end) {
  Scheduler scheduler({kFour}, 1, Instant(5ms));
  scheduler.lane_enters(0, LanePhase::kStarved, Instant(6ms));
  scheduler.reader_ends(0, std::nullopt, Instant(10ms));
  for (const Instant now : {Instant(10ms), Instant(1h)}) {
    const Stats stats = scheduler.snapshot(now);
    EXPECT_EQ(stats.elapsed, 5ms);
    EXPECT_EQ(stats.lanes[0].starved, 4ms);
    EXPECT_EQ(stats.starved_by_source, 4ms);
  }
}

}  // namespace
}  // namespace osprey::pipeline
