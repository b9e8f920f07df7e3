// SPDX-License-Identifier: Apache-2.0
// A live source that is read by a thread, as a pipeline would, and what it gave.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.hpp"
#include "media/live_source.hpp"

namespace osprey::media::testing_support {

class WatchedSource {
 public:
  /// Spends `work` on each frame.
  explicit WatchedSource(const std::string& uri, const LiveSourceOptions& options = {},
                         std::chrono::milliseconds work = {}) {
    auto made = LiveSource::create(uri, 0, options, clock_);
    EXPECT_TRUE(made.ok()) << made.error().message;
    source_ = *std::move(made);
    reader_ = clock_.start_thread("read-0", [this, work] { run(work); });
  }
  ~WatchedSource() { stop(); }
  WatchedSource(const WatchedSource&) = delete;
  WatchedSource& operator=(const WatchedSource&) = delete;

  void stop() {
    source_->cancel();
    reader_->join();
  }

  std::uint64_t frames() const { return frames_; }
  SourceReading meter() const { return source_->meter(); }
  const StreamInfo& info() const { return source_->info(); }

  struct Seen {
    Timestamp timestamp;
    base::Instant time;
  };
  std::vector<Seen> seen() const {
    const std::lock_guard lock(mutex_);
    return seen_;
  }
  /// Whether sequence numbers were 0, 1, ... and timestamps rose.
  bool in_order() const { return in_order_; }
  bool ended() const { return ended_; }

 private:
  void run(std::chrono::milliseconds work) {
    for (;;) {
      auto frame = source_->read();
      if (!frame.ok()) ADD_FAILURE() << frame.error().message;
      if (!frame.ok() || !*frame) break;
      const std::lock_guard lock(mutex_);
      if ((*frame)->id.sequence != frames_) in_order_ = false;
      if (!seen_.empty() && (*frame)->timestamp <= seen_.back().timestamp) in_order_ = false;
      seen_.push_back({(*frame)->timestamp, clock_.now()});
      ++frames_;
      if (work.count() > 0) std::this_thread::sleep_for(work);
    }
    ended_ = true;
  }

  base::RealClock clock_;
  std::unique_ptr<LiveSource> source_;
  std::unique_ptr<base::Thread> reader_;
  std::atomic<std::uint64_t> frames_ = 0;
  std::atomic<bool> in_order_ = true, ended_ = false;
  mutable std::mutex mutex_;
  std::vector<Seen> seen_;
};

}  // namespace osprey::media::testing_support
