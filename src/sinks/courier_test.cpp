// SPDX-License-Identifier: Apache-2.0
#include "sinks/courier.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "base/simulated_clock.hpp"
#include "sinks/sinks_testing.hpp"

namespace osprey::sinks {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;

/// A peer that answers as it is told, on simulated time.
class Peer final : public EventSender {
 public:
  explicit Peer(base::Clock& clock) : clock_(clock) {}

  Status keep() override {
    if (down) return Error{ErrorCode::kUnavailable, "peer: down"};
    return {};
  }
  std::uint64_t connections() const override { return connected; }
  std::size_t window() const override { return at_once; }
  SendOutcome send(std::span<const outbox::StoredEvent> events) override {
    SendOutcome outcome;
    outcome.retry_after = retry_after;
    for (const auto& event : events) {
      got.push_back(event.number);
      times.push_back(clock_.now());
      if (!answers.empty()) {
        const auto code = answers.front();
        answers.pop_front();
        if (code) {
          outcome.status = Error{*code, "peer: no"};
          return outcome;
        }
      }
      ++outcome.acknowledged;
    }
    return outcome;
  }
  void cancel() override {}

  bool down = false;
  std::uint64_t connected = 1;
  std::size_t at_once = 1;
  std::deque<std::optional<ErrorCode>> answers;  ///< to the next events; then all are taken
  std::optional<seconds> retry_after;
  std::vector<std::int64_t> got;
  std::vector<base::Instant> times;

 private:
  base::Clock& clock_;
};

class CourierTest : public testing::Test {
 protected:
  CourierTest() {
    outbox::OutboxOptions options;
    options.path = folder_ / "outbox.db";
    outbox_ = outbox::Outbox::open(options, clock_).value();
    options_.consumer = {"peer", outbox::Begin::kAtBeginning};
  }

  std::unique_ptr<Courier> start() {
    return Courier::start(*outbox_, peer_, options_, clock_).value();
  }

  void append(int times) {
    outbox::NewEvent event;
    event.json = "{}";
    for (int i = 0; i < times; ++i) ASSERT_TRUE(outbox_->append(event).ok());
  }

  bool delivered(Courier& courier) {
    return courier.wait_until_delivered(clock_.now() + std::chrono::hours(2));
  }

  base::SimulatedClock clock_;
  TemporaryFolder folder_;
  std::unique_ptr<outbox::Outbox> outbox_;
  std::shared_ptr<Peer> peer_ = std::make_shared<Peer>(clock_);
  CourierOptions options_;
};

TEST_F(CourierTest, sends_what_is_there_and_what_comes_in_order) {
  append(2);
  const auto courier = start();
  clock_.sleep_for(milliseconds(100));
  append(2);
  ASSERT_TRUE(delivered(*courier));
  EXPECT_THAT(peer_->got, ElementsAre(1, 2, 3, 4));
  const auto status = courier->status();
  EXPECT_TRUE(status.connected);
  EXPECT_EQ(status.problem, "");
  EXPECT_EQ(status.events.delivered, 4U);
  EXPECT_EQ(status.events.waiting, 0U);
}

TEST_F(CourierTest, several_events_go_together_and_those_not_acknowledged_again) {
  peer_->at_once = 3;
  append(5);
  peer_->answers = {std::nullopt, ErrorCode::kUnavailable};
  const auto courier = start();
  ASSERT_TRUE(delivered(*courier));
  EXPECT_THAT(peer_->got, ElementsAre(1, 2, 2, 3, 4, 5));
}

TEST_F(CourierTest, a_peer_that_is_away_holds_the_queue_up_with_longer_and_longer_pauses) {
  append(2);
  peer_->answers.assign(20, ErrorCode::kUnavailable);
  const auto courier = start();
  clock_.sleep_for(seconds(3));
  EXPECT_FALSE(courier->status().connected);
  EXPECT_EQ(courier->status().problem, "peer: no");
  EXPECT_EQ(courier->status().events.waiting, 2U);
  ASSERT_TRUE(delivered(*courier));
  EXPECT_EQ(peer_->got.size(), 22U);
  EXPECT_EQ(peer_->got.back(), 2);
  EXPECT_EQ(courier->status().events.refused, 0U);
  for (std::size_t i = 1; i < 21; ++i) {
    const auto pause = peer_->times[i] - peer_->times[i - 1];
    const double expected = std::min(0.5 * (1 << std::min<std::size_t>(i - 1, 10)), 30.0);
    EXPECT_NEAR(std::chrono::duration<double>(pause).count(), expected, 0.21 * expected) << i;
  }
}

TEST_F(CourierTest, a_peer_that_cannot_be_reached_is_a_problem_also_without_events) {
  peer_->down = true;
  const auto courier = start();
  clock_.sleep_for(seconds(1));
  EXPECT_FALSE(courier->status().connected);
  EXPECT_EQ(courier->status().problem, "peer: down");
  peer_->down = false;
  clock_.sleep_for(seconds(40));
  EXPECT_TRUE(courier->status().connected);
  EXPECT_EQ(courier->status().problem, "");
}

TEST_F(CourierTest, an_event_that_is_refused_five_times_is_set_aside) {
  append(3);
  peer_->answers.assign(5, ErrorCode::kInvalidArgument);
  const auto courier = start();
  ASSERT_TRUE(delivered(*courier));
  EXPECT_THAT(peer_->got, ElementsAre(1, 1, 1, 1, 1, 2, 3));
  EXPECT_EQ(courier->status().events.refused, 1U);
  EXPECT_EQ(courier->status().events.delivered, 2U);
  EXPECT_EQ(outbox_->refused(9)->at(0).reason, "peer: no");
}

TEST_F(CourierTest, an_event_over_which_the_peer_fails_is_tried_for_ten_minutes) {
  append(2);
  peer_->answers.assign(15, ErrorCode::kInternal);
  auto courier = start();
  ASSERT_TRUE(delivered(*courier));
  EXPECT_EQ(courier->status().events.refused, 0U);
  EXPECT_EQ(peer_->got.size(), 17U);
  append(1);
  peer_->answers.assign(1000, ErrorCode::kInternal);
  const auto begin = clock_.now();
  ASSERT_TRUE(delivered(*courier));
  EXPECT_EQ(courier->status().events.refused, 1U);
  EXPECT_GE(clock_.now() - begin, std::chrono::minutes(10));
  EXPECT_LE(clock_.now() - begin, std::chrono::minutes(11));
}

TEST_F(CourierTest, a_pause_that_the_peer_asks_for_is_kept_but_not_for_ever) {
  append(1);
  peer_->answers.assign(1, ErrorCode::kUnavailable);
  peer_->retry_after = seconds(60);
  auto courier = start();
  ASSERT_TRUE(delivered(*courier));
  EXPECT_GE(clock_.now() - peer_->times[0], seconds(60));
  append(1);
  peer_->answers.assign(1, ErrorCode::kUnavailable);
  peer_->retry_after = std::chrono::hours(48);
  const auto begin = clock_.now();
  ASSERT_TRUE(delivered(*courier));
  EXPECT_LE(clock_.now() - begin, std::chrono::minutes(6));
}

TEST_F(CourierTest, the_last_events_are_sent_again_after_a_new_connection_and_counted_once) {
  options_.resend = 2;
  append(4);
  const auto courier = start();
  ASSERT_TRUE(delivered(*courier));
  peer_->connected = 2;
  clock_.sleep_for(seconds(3));
  append(1);
  ASSERT_TRUE(delivered(*courier));
  EXPECT_THAT(peer_->got, ElementsAre(1, 2, 3, 4, 3, 4, 5));
  EXPECT_EQ(courier->status().events.delivered, 5U);
}

TEST_F(CourierTest, stops_in_a_pause_and_goes_on_with_the_next_start) {
  append(2);
  peer_->answers = {ErrorCode::kUnavailable};
  auto courier = start();
  clock_.sleep_for(milliseconds(1));
  courier.reset();
  EXPECT_THAT(peer_->got, ElementsAre(1));
  courier = start();
  ASSERT_TRUE(delivered(*courier));
  EXPECT_THAT(peer_->got, ElementsAre(1, 1, 2));
}

TEST_F(CourierTest, waiting_for_delivery_has_an_end) {
  peer_->down = true;
  append(1);
  const auto courier = start();
  EXPECT_FALSE(courier->wait_until_delivered(clock_.now() + seconds(2)));
}

}  // namespace
}  // namespace osprey::sinks
