// SPDX-License-Identifier: Apache-2.0
// On simulated time, with connections that a test scripts.
#include "media/live_source.hpp"

#include <gmock/gmock.h>

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "base/simulated_clock.hpp"
#include "core/packed_image.hpp"

namespace osprey::media {
namespace {

using namespace std::chrono_literals;
using base::Instant;
using base::SimulatedClock;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// One connection: frames at a pace, then an end, an error or silence until it is cancelled.
struct Script {
  std::optional<Error> refused;
  int frames = 0;
  Duration interval = 40ms;
  Duration first_time{0};  ///< of the stream's own clock
  std::optional<Error> error;
  bool hangs = false;
  bool live = true;
  bool bursts = false;
};

class ScriptedSource final : public Source {
 public:
  ScriptedSource(Script script, base::Clock& clock)
      : script_(std::move(script)), clock_(clock), wakes_(clock.make_condition()) {
    info_.live = script_.live;
    info_.bursts = script_.bursts;
    info_.width = 64;
    info_.height = 48;
    info_.frame_rate = 1 / std::chrono::duration<double>(script_.interval).count();
    info_.uri = "inner";
  }

  const StreamInfo& info() const override { return info_; }

  Result<std::optional<Frame>> read() override {
    if (given_ < script_.frames) {
      if (script_.live && !script_.bursts) clock_.sleep_for(script_.interval);
      Frame frame;
      frame.id = {7, 99};
      frame.timestamp = {script_.first_time + given_++ * script_.interval};
      frame.image = packed_bgr(std::make_shared<std::vector<std::uint8_t>>(64 * 48 * 3), 64, 48);
      return std::optional(std::move(frame));
    }
    if (script_.hangs) {
      std::unique_lock lock(mutex_);
      while (!cancelled_) wakes_->wait(lock);
      return std::optional<Frame>();
    }
    if (script_.error) return *script_.error;
    return std::optional<Frame>();
  }

  SourceHealth health() const override { return {1, "first", 0}; }

  void cancel() override {
    const std::lock_guard lock(mutex_);
    cancelled_ = true;
    wakes_->notify_all();
  }

 private:
  Script script_;
  base::Clock& clock_;
  StreamInfo info_;
  int given_ = 0;
  std::mutex mutex_;
  std::unique_ptr<base::Condition> wakes_;
  bool cancelled_ = false;
};

class LiveSources : public ::testing::Test {
 protected:
  /// A source whose connections are `scripts`, one after the other; behind them, `otherwise`.
  LiveSource& make(std::deque<Script> scripts, LiveSourceOptions options = {}) {
    scripts_ = std::move(scripts);
    auto source = LiveSource::create(
        "rtsp://me:secret@cam/", 3, options, clock_, [this]() -> Result<std::unique_ptr<Source>> {
          attempts_.push_back(clock_.now().time_since_epoch());
          Script script = otherwise_;
          if (!scripts_.empty()) {
            script = scripts_.front();
            scripts_.pop_front();
          }
          if (script.refused) return *script.refused;
          return std::unique_ptr<Source>(std::make_unique<ScriptedSource>(script, clock_));
        });
    EXPECT_TRUE(source.ok());
    source_ = *std::move(source);
    return *source_;
  }

  Frame next() {
    auto frame = source_->read();
    EXPECT_TRUE(frame.ok() && *frame);
    return frame.ok() && *frame ? **frame : Frame();
  }

  std::vector<Duration> pauses() const {
    std::vector<Duration> found;
    for (std::size_t i = 1; i < attempts_.size(); ++i) {
      found.push_back(attempts_[i] - attempts_[i - 1]);
    }
    return found;
  }

  SimulatedClock clock_;
  std::deque<Script> scripts_;
  Script otherwise_{.refused = Error{ErrorCode::kIo, "Connection refused"}};
  std::vector<Duration> attempts_;
  std::unique_ptr<LiveSource> source_;
};

TEST_F(LiveSources, making_one_does_not_connect) {
  LiveSource& source = make({});
  EXPECT_TRUE(attempts_.empty());
  EXPECT_EQ(source.info().width, 0);
  EXPECT_TRUE(source.info().live);
  EXPECT_EQ(source.info().uri, "rtsp://cam/");
  EXPECT_EQ(source.meter().state, SourceState::kConnecting);
}

TEST_F(LiveSources, numbers_and_times_go_on_over_connections) {
  LiveSource& source = make({{.frames = 3, .first_time = 900s},
                             {.frames = 2, .error = Error{ErrorCode::kIo, "reset by peer"}},
                             {.frames = 1, .first_time = 5s}});
  std::vector<std::uint64_t> numbers;
  Duration last{-1};
  for (int n = 0; n < 6; ++n) {
    const Frame frame = next();
    EXPECT_EQ(frame.id.stream, 3U);
    numbers.push_back(frame.id.sequence);
    EXPECT_GT(frame.timestamp.since_origin, last);
    last = frame.timestamp.since_origin;
  }
  EXPECT_THAT(numbers, ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_EQ(last, clock_.now().time_since_epoch() - 40ms);  // the first was at 40 ms
  EXPECT_EQ(source.info().width, 64);
  EXPECT_EQ(source.info().uri, "rtsp://cam/");
  const SourceReading reading = source.meter();
  EXPECT_EQ(reading.reconnects, 2U);
  EXPECT_EQ(reading.clock_jumps, 0U);
  EXPECT_EQ(reading.state, SourceState::kRunning);
  EXPECT_EQ(reading.problem, "reset by peer");
  EXPECT_EQ(source.health().damaged, 3U);
}

TEST_F(LiveSources, who_never_answers_is_asked_less_and_less_up_to_ten_seconds) {
  otherwise_.refused.reset();
  otherwise_.frames = 1;
  const Script refused{.refused = Error{ErrorCode::kIo, "Connection refused"}};
  make(std::deque<Script>(12, refused));
  next();
  ASSERT_EQ(attempts_.size(), 13U);
  const std::vector<Duration> found = pauses();
  Duration expected = 250ms;
  for (const Duration pause : found) {
    EXPECT_LE(pause, expected);
    EXPECT_GE(pause, expected * 3 / 4);
    expected = std::min<Duration>(expected * 2, 10s);
  }
}

TEST_F(LiveSources, who_was_there_is_found_within_two_seconds_however_long_it_was_away) {
  const Script refused{.refused = Error{ErrorCode::kIo, "Connection refused"}};
  std::deque<Script> scripts(1000, refused);
  scripts.push_front({.frames = 50});
  otherwise_ = {.frames = 1};
  make(scripts);
  for (int n = 0; n < 51; ++n) next();
  ASSERT_EQ(attempts_.size(), 1002U);
  const std::vector<Duration> found = pauses();
  EXPECT_LE(found[0], 50 * 40ms + 250ms);
  for (std::size_t n = 1; n < found.size(); ++n) EXPECT_LE(found[n], 2s);
}

TEST_F(LiveSources, one_that_comes_and_goes_at_once_is_not_asked_all_the_time) {
  otherwise_ = {.frames = 1, .interval = 1ms};
  make({});
  for (int n = 0; n < 100; ++n) next();
  EXPECT_GT(clock_.now().time_since_epoch(), 90 * 1500ms);
}

TEST_F(LiveSources, waiting_is_told_with_the_reason_and_without_the_password) {
  LiveSource& source = make({{.frames = 1}});
  next();
  SourceReading seen;
  clock_.schedule(Instant(5s), [&] {
    seen = source.meter();
    source.cancel();
  });
  auto end = source.read();
  EXPECT_TRUE(end.ok() && !*end);
  EXPECT_EQ(clock_.now().time_since_epoch(), 5s);
  EXPECT_EQ(seen.state, SourceState::kWaiting);
  EXPECT_EQ(seen.problem, "Connection refused");
  EXPECT_EQ(source.meter().state, SourceState::kEnded);
}

TEST_F(LiveSources, an_end_is_a_reason_to_connect_again_and_says_so_without_the_password) {
  LiveSource& source = make({{.frames = 1}, {.frames = 1}});
  next();
  next();
  EXPECT_EQ(source.meter().problem, "rtsp://cam/: the stream has ended");
}

TEST_F(LiveSources, cancelling_ends_a_read_that_hangs) {
  LiveSource& source = make({{.frames = 1, .hangs = true}});
  next();
  clock_.schedule(Instant(60s), [&] { source.cancel(); });
  auto end = source.read();
  EXPECT_TRUE(end.ok() && !*end);
  EXPECT_EQ(clock_.now().time_since_epoch(), 60s);
  EXPECT_EQ(attempts_.size(), 1U);
}

TEST_F(LiveSources, cancelled_before_it_is_read_it_connects_to_nobody) {
  LiveSource& source = make({{.frames = 1}});
  source.cancel();
  auto end = source.read();
  EXPECT_TRUE(end.ok() && !*end);
  EXPECT_TRUE(attempts_.empty());
}

TEST_F(LiveSources, silence_counts_as_a_stall) {
  LiveSource& source =
      make({{.frames = 1, .error = Error{ErrorCode::kTimeout, "no answer"}}, {.frames = 1}});
  next();
  next();
  EXPECT_EQ(source.meter().stalls, 1U);
}

TEST_F(LiveSources, without_reconnecting_the_first_end_is_the_end) {
  LiveSourceOptions options;
  options.reconnect = false;
  LiveSource& source = make({{.frames = 2}}, options);
  next();
  next();
  auto end = source.read();
  EXPECT_TRUE(end.ok() && !*end);
  end = source.read();
  EXPECT_TRUE(end.ok() && !*end);
  EXPECT_EQ(attempts_.size(), 1U);
}

TEST_F(LiveSources, without_reconnecting_an_error_is_told_once) {
  LiveSourceOptions options;
  options.reconnect = false;
  LiveSource& source =
      make({{.frames = 1, .error = Error{ErrorCode::kTimeout, "no answer"}}}, options);
  next();
  auto error = source.read();
  ASSERT_FALSE(error.ok());
  EXPECT_EQ(error.error().message, "no answer");
  auto end = source.read();
  EXPECT_TRUE(end.ok() && !*end);
}

TEST_F(LiveSources, a_looped_file_goes_on_at_its_own_pace) {
  LiveSourceOptions options;
  options.loop = true;
  otherwise_ = {.frames = 3, .interval = 100ms, .live = false};
  LiveSource& source = make({}, options);
  for (int n = 0; n < 50; ++n) {
    EXPECT_EQ(next().timestamp.since_origin, n * 100ms) << n;
    EXPECT_EQ(clock_.now().time_since_epoch(), n * 100ms) << n;
  }
  EXPECT_TRUE(source.info().live);
  EXPECT_EQ(source.info().frame_count, -1);
  EXPECT_EQ(source.meter().reconnects, 0U);
}

TEST_F(LiveSources, a_file_ends_unless_it_is_looped) {
  LiveSource& source = make({{.frames = 3, .live = false}});
  for (int n = 0; n < 3; ++n) next();
  auto end = source.read();
  EXPECT_TRUE(end.ok() && !*end);
  EXPECT_EQ(attempts_.size(), 1U);
}

TEST_F(LiveSources, what_comes_in_bursts_is_given_at_its_pace) {
  make({{.frames = 100, .bursts = true}});
  for (int n = 0; n < 100; ++n) {
    next();
    EXPECT_EQ(clock_.now().time_since_epoch(), n * 40ms);
  }
}

TEST_F(LiveSources, who_is_slower_than_a_looped_file_does_not_hurry_to_catch_up) {
  LiveSourceOptions options;
  options.loop = true;
  otherwise_ = {.frames = 100, .interval = 40ms, .live = false};
  make({}, options);
  next();
  clock_.sleep_for(10s);
  next();
  const Duration begin = clock_.now().time_since_epoch();
  for (int n = 0; n < 10; ++n) next();
  EXPECT_EQ(clock_.now().time_since_epoch() - begin, 400ms);
}

TEST_F(LiveSources, options_that_are_out_of_range_are_told_at_once) {
  LiveSourceOptions options;
  options.source.transport = "pigeon";
  auto source = LiveSource::create("rtsp://cam/", 0, options, clock_);
  ASSERT_FALSE(source.ok());
  EXPECT_THAT(source.error().message, HasSubstr("tcp or udp, not pigeon"));
  options = {};
  options.stall = 0ms;
  EXPECT_FALSE(LiveSource::create("rtsp://cam/", 0, options, clock_).ok());
  options = {};
  options.first_pause = 0s;
  EXPECT_FALSE(LiveSource::create("rtsp://cam/", 0, options, clock_).ok());
}

}  // namespace
}  // namespace osprey::media
