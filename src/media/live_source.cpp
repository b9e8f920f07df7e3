// SPDX-License-Identifier: Apache-2.0
#include "media/live_source.hpp"

#include <algorithm>
#include <atomic>
#include <functional>
#include <mutex>
#include <random>
#include <utility>

#include "base/try.hpp"
#include "media/live_timeline.hpp"
#include "media/secrets.hpp"

namespace osprey::media {

using namespace std::chrono_literals;

namespace {

using base::Instant;
using Lock = std::unique_lock<std::mutex>;

/// A connection that gave frames for so long was a good one: the next pause is the first again.
constexpr Duration kGoodConnection = 1s;
/// Who is later than that with paced frames does not hurry to catch up.
constexpr Duration kLatest = 500ms;
/// Who would have to wait longer for a paced frame does not.
constexpr Duration kEarliest = 10s;
/// A picture of a folder is shown for so long.
constexpr Duration kPicturePace = 1s;
constexpr double kDefaultRate = 25;

StreamInfo info_before(const std::string& uri, std::uint32_t stream) {
  StreamInfo info;
  info.index = stream;
  info.uri = without_secrets(uri);
  info.live = true;
  return info;
}

/// How long a frame of a looped source is shown.
Duration interval_of(const StreamInfo& info) {
  if (info.pictures) return kPicturePace;
  const double rate = info.frame_rate > 0 ? info.frame_rate : kDefaultRate;
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(1 / rate));
}

class Reconnecting final : public LiveSource {
 public:
  Reconnecting(const std::string& uri, std::uint32_t stream, const LiveSourceOptions& options,
               base::Clock& clock)
      : options_(options),
        clock_(clock),
        unconnected_(info_before(uri, stream)),
        info_(&unconnected_),
        wakes_(clock.make_condition()),
        // Streams have different pauses, so that not all of a server that restarts come at once;
        // runs of a test have the same.
        random_(
            static_cast<std::minstd_rand::result_type>(std::hash<std::string>()(uri) + stream)) {}

  void set_opener(Opener opener) { opener_ = std::move(opener); }

  std::shared_ptr<SourceMeter> shared_meter() const { return meter_; }
  std::shared_ptr<const std::atomic<bool>> cancelled_flag() const { return cancelled_; }

  const StreamInfo& info() const override { return *info_; }

  /// The first connection. An error says why there is none.
  Status connect() {
    meter_->set_state(SourceState::kConnecting);
    auto opened = opener_();
    if (!opened) return std::move(opened).error();
    took_over(*std::move(opened));
    return {};
  }

  /// What connect() opened, if it is no stream to be kept alive.
  std::unique_ptr<Source> release_if_plain() {
    const Lock lock(mutex_);
    if (inner_->info().live || options_.loop || options_.realtime) return nullptr;
    return std::move(inner_);
  }

  Result<std::optional<Frame>> read() override {
    while (!*cancelled_ && !ended_) {
      if (!inner_) {
        wait_until(next_attempt_);
        if (*cancelled_) break;
        if (const Status status = connect(); !status) {
          if (!options_.reconnect) return end_with(status.error());
          note_failure(status.error());
        }
        continue;
      }
      auto frame = inner_->read();
      if (*cancelled_) break;
      if (frame && *frame) {
        if (auto given = give(std::move(**frame))) return given;
        continue;
      }
      std::optional<Error> error;
      if (!frame) error = std::move(frame).error();
      if (!lose(error)) {
        if (error) return end_with(*error);
        break;
      }
    }
    ended_ = true;
    meter_->set_state(SourceState::kEnded);
    return std::optional<Frame>();
  }

  SourceHealth health() const override {
    SourceHealth sum = health_;
    if (inner_) add(sum, inner_->health());
    return sum;
  }

  SourceReading meter() const override { return meter_->read(clock_.now()); }

  void cancel() override {
    const Lock lock(mutex_);
    *cancelled_ = true;
    if (inner_) inner_->cancel();
    wakes_->notify_all();
  }

 private:
  static void add(SourceHealth& sum, const SourceHealth& more) {
    sum.damaged += more.damaged;
    sum.passed_over += more.passed_over;
    if (sum.first_damage.empty()) sum.first_damage = more.first_damage;
  }

  Error end_with(Error error) {
    ended_ = true;
    meter_->set_problem(error.message);
    meter_->set_state(SourceState::kEnded);
    return error;
  }

  void took_over(std::unique_ptr<Source> source) {
    {
      const Lock lock(mutex_);
      inner_ = std::move(source);
      if (*cancelled_) inner_->cancel();
    }
    const StreamInfo& now = inner_->info();
    paced_ = now.bursts || (!now.live && (options_.loop || options_.realtime));
    if (connections_++ == 0) {
      connected_ = now;
      connected_.index = unconnected_.index;
      connected_.uri = unconnected_.uri;
      if (paced_) connected_.live = true;
      if (options_.loop) connected_.frame_count = -1;
      info_ = &connected_;
    } else if (now.live) {
      meter_->reconnected();
    }
    const bool looped = !now.live && connections_ > 1;
    timeline_.restart(looped ? std::optional(interval_of(now)) : std::nullopt);
    if (!looped) paces_since_.reset();
    connected_at_ = clock_.now();
    frames_of_connection_ = 0;
    meter_->set_state(SourceState::kRunning);
  }

  /// The frame as this stream's; nothing if it was cancelled meanwhile.
  std::optional<Frame> give(Frame frame) {
    const StreamInfo& now = inner_->info();
    if (now.pictures) frame.timestamp = {interval_of(now) * frames_of_connection_};
    ++frames_of_connection_;
    frame.id = {unconnected_.index, sequence_++};
    const auto jumps = timeline_.jumps();
    frame.timestamp = timeline_.next(frame.timestamp, clock_.now());
    if (timeline_.jumps() != jumps) meter_->clock_jumped();
    if (paced_) {
      pace(frame.timestamp);
      if (*cancelled_) return std::nullopt;
      frame.captured = std::chrono::system_clock::now();
    }
    return frame;
  }

  /// Waits for the moment at which the frame of this time is to be shown.
  void pace(Timestamp timestamp) {
    const Instant now = clock_.now();
    if (paces_since_) {
      const Instant due = *paces_since_ + timestamp.since_origin;
      if (due + kLatest >= now && due <= now + kEarliest) {
        wait_until(due);
        return;
      }
    }
    paces_since_ = now - timestamp.since_origin;
  }

  /// The connection is over. False if that is the end.
  bool lose(const std::optional<Error>& error) {
    const StreamInfo was = inner_->info();
    std::unique_ptr<Source> over;
    {
      const Lock lock(mutex_);
      over = std::move(inner_);
    }
    add(health_, over->health());
    over.reset();
    if (!was.live && !options_.loop) return false;
    if (was.live && !options_.reconnect) return false;
    const Instant now = clock_.now();
    if (!was.live && !error && frames_of_connection_ > 0) {
      next_attempt_ = now;
      return true;
    }
    if (frames_of_connection_ > 0) was_there_ = true;
    if (frames_of_connection_ > 0 && now - connected_at_ >= kGoodConnection) failures_ = 0;
    if (error && error->code == ErrorCode::kTimeout) meter_->stalled();
    note_failure(
        error.value_or(Error{ErrorCode::kIo, unconnected_.uri + ": the stream has ended"}));
    return true;
  }

  void note_failure(const Error& error) {
    meter_->set_problem(error.message);
    next_attempt_ = clock_.now() + next_pause();
    meter_->set_state(SourceState::kWaiting);
  }

  Duration next_pause() {
    const Duration longest =
        was_there_ ? options_.longest_pause_after_loss : options_.longest_pause;
    constexpr int kMostDoublings = 20;
    const auto doubled = options_.first_pause * (1 << std::min(failures_, kMostDoublings));
    ++failures_;
    const Duration pause = std::min(doubled, longest);
    std::uniform_real_distribution<double> share(0.75, 1);
    return std::chrono::duration_cast<Duration>(pause * share(random_));
  }

  void wait_until(Instant time) {
    Lock lock(mutex_);
    while (!*cancelled_ && clock_.now() < time) wakes_->wait_until(lock, time);
  }

  const LiveSourceOptions options_;
  base::Clock& clock_;
  Opener opener_;
  const StreamInfo unconnected_;
  StreamInfo connected_;  ///< written before info_ points to it, then never
  std::atomic<const StreamInfo*> info_;
  std::shared_ptr<SourceMeter> meter_ = std::make_shared<SourceMeter>();
  std::shared_ptr<std::atomic<bool>> cancelled_ = std::make_shared<std::atomic<bool>>(false);

  std::mutex mutex_;  ///< of what cancel() touches
  std::unique_ptr<base::Condition> wakes_;
  /// Changed by the reader alone, under the mutex.
  std::unique_ptr<Source> inner_;

  // The reader's.
  std::minstd_rand random_;
  LiveTimeline timeline_;
  SourceHealth health_;  ///< of connections that are over
  std::uint64_t connections_ = 0;
  std::uint64_t sequence_ = 0;
  std::int64_t frames_of_connection_ = 0;
  bool paced_ = false;
  std::optional<Instant> paces_since_;  ///< when time 0 is shown
  Instant connected_at_;
  Instant next_attempt_;
  int failures_ = 0;        ///< since the last good connection
  bool was_there_ = false;  ///< gave a frame, ever
  bool ended_ = false;
};

Result<std::unique_ptr<Reconnecting>> make(const std::string& uri, std::uint32_t stream,
                                           const LiveSourceOptions& options, base::Clock& clock) {
  SourceOptions source = options.source;
  source.timeout = options.stall;
  source.connect_timeout = options.connect_timeout;
  OSPREY_TRY(check(source));
  if (options.first_pause <= 0s || options.longest_pause < options.first_pause ||
      options.longest_pause_after_loss < options.first_pause) {
    return Error{ErrorCode::kInvalidArgument,
                 "first_pause has to be above 0, and no longer than the longest pauses"};
  }
  auto live = std::make_unique<Reconnecting>(uri, stream, options, clock);
  source.meter = live->shared_meter();
  source.cancelled = live->cancelled_flag();
  live->set_opener([uri, stream, source] { return Source::open(uri, stream, source); });
  return live;
}

}  // namespace

Result<std::unique_ptr<LiveSource>> LiveSource::create(const std::string& uri, std::uint32_t stream,
                                                       const LiveSourceOptions& options,
                                                       base::Clock& clock) {
  std::unique_ptr<LiveSource> live = OSPREY_TRY(make(uri, stream, options, clock));
  return live;
}

Result<std::unique_ptr<LiveSource>> LiveSource::create(const std::string& uri, std::uint32_t stream,
                                                       const LiveSourceOptions& options,
                                                       base::Clock& clock, Opener opener) {
  auto live = OSPREY_TRY(make(uri, stream, options, clock));
  live->set_opener(std::move(opener));
  return std::unique_ptr<LiveSource>(std::move(live));
}

Result<std::unique_ptr<Source>> LiveSource::open(const std::string& uri, std::uint32_t stream,
                                                 const LiveSourceOptions& options,
                                                 base::Clock& clock) {
  auto live = OSPREY_TRY(make(uri, stream, options, clock));
  OSPREY_TRY(live->connect());
  if (auto plain = live->release_if_plain()) return plain;
  return std::unique_ptr<Source>(std::move(live));
}

}  // namespace osprey::media
