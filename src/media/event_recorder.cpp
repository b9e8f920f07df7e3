// SPDX-License-Identifier: Apache-2.0
#include "media/event_recorder.hpp"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <deque>
#include <filesystem>
#include <mutex>
#include <optional>
#include <set>
#include <system_error>
#include <utility>

#include "base/io_error.hpp"
#include "base/made_folders.hpp"
#include "base/try.hpp"
#include "media/packet_file.hpp"
#include "media/packet_format.hpp"
#include "media/pre_roll.hpp"

extern "C" {
#include <libavcodec/avcodec.h>
}

namespace osprey::media {

namespace fs = std::filesystem;

namespace {

using namespace std::chrono_literals;
using base::Instant;

constexpr Duration kLargestGap = 10s;      ///< of a stream's time, within a file
constexpr Duration kLargestStep = 1s;      ///< back in time, within a file: packets out of order
constexpr Duration kRetryAfter = 10s;      ///< of a disk that failed
constexpr Duration kTidyEvery = 30s;       ///< what is too old is looked for
constexpr Duration kClockTrusted = 10min;  ///< a wall clock that has been there for so long

/// What the writer is to do, in order.
struct Job {
  enum class Kind { kOpen, kPacket, kClose };

  Kind kind = Kind::kClose;
  std::shared_ptr<const PacketFormat> format;  ///< kOpen
  std::string event;                           ///< kOpen
  WallTime begin;                              ///< kOpen
  std::uint64_t number = 0;                    ///< kOpen: the file's
  AvPtr<AVPacket> packet;                      ///< kPacket
};

WallTime wall_now() {
  return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
}

class Recorder final : public EventRecorder {
 public:
  Recorder(const EventRecorderOptions& options, base::Clock& clock)
      : options_(options),
        clock_(clock),
        folder_(options.folder),
        pre_roll_(options.pre_roll, options.max_pre_roll_bytes),
        work_(clock.make_condition()) {}

  ~Recorder() override { Recorder::finish(); }

  void start() {
    thread_ = clock_.start_thread("record-" + options_.camera, [this] { run(); });
  }

  // --- the stream's reader

  void opened(const AVStream& stream) override {
    const std::lock_guard lock(mutex_);
    break_off();
    watch_.emplace(PacketFormat::of(stream));
    last_time_.reset();
    check_format();
  }

  void packet(const AVPacket& lent) override {
    const AvPtr<AVPacket> copy = copy_of(lent);
    const AVPacket& packet = *copy;
    const std::lock_guard lock(mutex_);
    if (!watch_ || stopping_) return;
    const Duration time = time_of(packet);
    if (last_time_ && (time - *last_time_ > kLargestGap || *last_time_ - time > kLargestStep)) {
      break_off();
    }
    if (watch_->see(packet)) {
      break_off();
      check_format();
    }
    if (moved_hold_) hold_until_ = time + *std::exchange(moved_hold_, std::nullopt);
    last_time_ = time;
    last_arrival_ = clock_.now();
    if (unsupported_) return;
    pre_roll_.add(packet, time);
    const bool is_key = (packet.flags & AV_PKT_FLAG_KEY) != 0;
    if (writing_ && has_failed()) {
      writing_ = false;
      not_before_ = last_arrival_ + kRetryAfter;
    }
    if (writing_) {
      go_on(packet, time, is_key);
    } else if (is_wanted(time)) {
      const bool possible = is_key && last_arrival_ >= not_before_ &&
                            waiting_bytes_ <= options_.max_waiting_bytes / 2;
      if (possible) {
        open_file(time);
        push_packet(packet);
      } else {
        ++stats_.lost;
      }
    }
  }

  // --- events

  void begin(const std::string& event) override {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    active_.insert(event);
    start_recording(event);
  }

  void end(const std::string& event) override {
    const std::lock_guard lock(mutex_);
    if (active_.erase(event) > 0) hold();
  }

  void extend(const std::string& event) override {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    hold();
    start_recording(event);
  }

  EventRecorderStats stats() const override {
    const std::lock_guard lock(mutex_);
    EventRecorderStats stats = stats_;
    stats.recording = writing_ && !has_failed();
    if (stats.problem.empty()) stats.problem = folder_problem_;
    if (unsupported_) stats.problem = unsupported_->message;
    return stats;
  }

  void finish() override {
    {
      const std::lock_guard lock(mutex_);
      if (!stopping_) close_file();
      stopping_ = true;
      pre_roll_.clear();
      work_->notify_all();
    }
    if (thread_) thread_->join();
  }

 private:
  // --- with mutex_ held

  Duration time_of(const AVPacket& packet) const {
    const PacketFormat& format = *watch_->format();
    if (packet.dts != AV_NOPTS_VALUE) return format.time_of(packet.dts);
    if (packet.pts != AV_NOPTS_VALUE) return format.time_of(packet.pts);
    return last_time_ ? *last_time_ + std::max(Duration(1), format.frame_period) : Duration(0);
  }

  void check_format() {
    unsupported_.reset();
    const Result<std::string> suffix = suffix_for(*watch_->format());
    if (!suffix)
      unsupported_ = {suffix.error().code, options_.camera + ": " + suffix.error().message};
  }

  bool is_wanted(Duration time) const {
    return !active_.empty() || (hold_until_ && time <= *hold_until_);
  }

  void hold() {
    if (moved_hold_ || !last_time_) {
      moved_hold_ = std::max(moved_hold_.value_or(0ns), Duration(options_.post_roll));
      return;
    }
    const Duration until = *last_time_ + options_.post_roll;
    hold_until_ = hold_until_ ? std::max(*hold_until_, until) : until;
  }

  bool has_failed() const { return failed_number_ == file_number_; }

  /// The stream's time begins anew, or its format does: what is still to be recorded goes into a
  /// new file.
  void break_off() {
    close_file();
    pre_roll_.clear();
    if (!hold_until_ || !last_time_) return;
    if (*hold_until_ > *last_time_) moved_hold_ = *hold_until_ - *last_time_;
    hold_until_.reset();
  }

  void start_recording(const std::string& event) {
    if (!writing_) event_ = event;
    if (writing_ || unsupported_ || pre_roll_.packets().empty()) return;
    if (clock_.now() < not_before_) return;
    open_file(pre_roll_.packets().front().time);
    for (const KeptPacket& kept : pre_roll_.packets()) push_packet(*kept.packet);
  }

  void open_file(Duration first) {
    Job job;
    job.kind = Job::Kind::kOpen;
    job.format = watch_->format();
    job.event = event_;
    job.begin = wall_now() - (*last_time_ - first);
    file_begin_ = first;
    writing_ = true;
    job.number = ++file_number_;
    push(std::move(job));
  }

  void go_on(const AVPacket& packet, Duration time, bool is_key) {
    if (!is_wanted(time)) {
      close_file();
    } else if (is_key && time - file_begin_ >= options_.max_length) {
      close_file();
      open_file(time);
      push_packet(packet);
    } else if (waiting_bytes_ > options_.max_waiting_bytes + options_.max_pre_roll_bytes) {
      close_file();
      ++stats_.overflows;
      ++stats_.lost;
      set_problem(file_number_, options_.folder + ": slower than " + options_.camera + " is");
    } else {
      push_packet(packet);
    }
  }

  void set_problem(std::uint64_t number, const std::string& problem) {
    stats_.problem = problem;
    problem_number_ = number;
  }

  void close_file() {
    if (writing_ && !has_failed()) push(Job{});
    writing_ = false;
  }

  void push_packet(const AVPacket& packet) {
    Job job;
    job.kind = Job::Kind::kPacket;
    job.packet = reference_to(packet);
    waiting_bytes_ += static_cast<std::size_t>(packet.size);
    push(std::move(job));
  }

  void push(Job job) {
    jobs_.push_back(std::move(job));
    work_->notify_one();
  }

  // --- the writer's thread

  void run() {
    complete_leftovers();
    Instant tidy_at = clock_.now();
    for (;;) {
      if (clock_.now() >= tidy_at) {
        tidy();
        tidy_at = clock_.now() + kTidyEvery;
      }
      std::optional<Job> job = next_job(tidy_at);
      if (job) {
        do_job(*job);
      } else if (clock_.now() < tidy_at) {
        break;
      }
    }
  }

  /// Nothing at the end, and when it is time to tidy.
  std::optional<Job> next_job(Instant tidy_at) {
    std::unique_lock lock(mutex_);
    for (;;) {
      if (!jobs_.empty()) {
        Job job = std::move(jobs_.front());
        jobs_.pop_front();
        if (job.packet) waiting_bytes_ -= static_cast<std::size_t>(job.packet->size);
        return job;
      }
      const Instant now = clock_.now();
      if (stopping_ || now >= tidy_at) return std::nullopt;
      Instant until = tidy_at;
      if (writing_) {
        const Instant stalled_at = last_arrival_ + options_.stalled_after;
        if (now >= stalled_at) {
          close_file();
          hold_until_.reset();
          continue;
        }
        until = std::min(until, stalled_at);
      }
      work_->wait_until(lock, until);
    }
  }

  void do_job(Job& job) {
    switch (job.kind) {
      case Job::Kind::kOpen:
        return open(job);
      case Job::Kind::kPacket:
        return write(*job.packet);
      case Job::Kind::kClose:
        return close();
    }
  }

  void open(const Job& job) {
    number_ = job.number;
    const Result<std::string> suffix = suffix_for(*job.format);
    Result<fs::path> path = suffix ? free_path(job, *suffix) : Result<fs::path>(suffix.error());
    if (!path) return note_failure(path.error());
    auto file = PacketFile::create(*path, job.format);
    if (!file) return note_failure(file.error());
    file_ = *std::move(file);
    path_ = *path;
  }

  /// Two files of one event may begin within a millisecond, or a clock that was set back tells a
  /// time again.
  Result<fs::path> free_path(const Job& job, const std::string& suffix) const {
    std::error_code ignored;
    WallTime begin = job.begin;
    for (;;) {
      fs::path path = folder_ / recording_name(options_.camera, begin, job.event, suffix);
      if (!fs::exists(path, ignored)) return path;
      begin += std::chrono::milliseconds(1);
    }
  }

  void write(const AVPacket& packet) {
    if (!file_) {
      const std::lock_guard lock(mutex_);
      ++stats_.lost;
      return;
    }
    const Status status = file_->write(packet);
    if (!status) return give_up(status.error());
    const std::lock_guard lock(mutex_);
    ++stats_.packets;
  }

  void close() {
    if (!file_) return;
    const Status status = file_->finish();
    if (!status) return give_up(status.error());
    {
      const std::lock_guard lock(mutex_);
      if (number_ > problem_number_) stats_.problem.clear();
    }
    note_complete();
  }

  /// Keeps what of the file can be played.
  void give_up(const Error& error) {
    note_failure(error);
    if (file_->keep()) {
      note_complete();
    } else {
      file_.reset();
    }
  }

  void note_complete() {
    file_.reset();
    {
      const std::lock_guard lock(mutex_);
      ++stats_.files;
    }
    tell(path_);
    tidy();
  }

  void tell(const fs::path& path) const {
    std::optional<Recording> recording = parse_recording_name(path.filename().string());
    if (!recording || !options_.on_complete) return;
    std::error_code ignored;
    recording->bytes = fs::file_size(path, ignored);
    options_.on_complete(*recording);
  }

  void note_failure(const Error& error) {
    const std::lock_guard lock(mutex_);
    ++stats_.failures;
    set_problem(number_, error.message);
    failed_number_ = number_;
  }

  void tidy() {
    Retention retention = options_.retention;
    const auto now = trusted_now();
    if (!now) retention.keep = 0s;
    const auto removed = remove_old_recordings(folder_, retention, now.value_or(WallTime()));
    const std::lock_guard lock(mutex_);
    stats_.removed += removed ? *removed : 0;
    folder_problem_ = removed ? "" : removed.error().message;
  }

  /// The earliest that the wall clock said for some minutes, if it has been looked at for so long:
  /// one that is set to the future, and then right, has not cost what is not too old.
  std::optional<WallTime> trusted_now() {
    const Instant now = clock_.now();
    looks_.emplace_back(now, wall_now());
    while (looks_.size() > 1 && now - looks_[1].first >= kClockTrusted) looks_.pop_front();
    if (now - looks_.front().first < kClockTrusted) return std::nullopt;
    WallTime earliest = looks_.front().second;
    for (const auto& look : looks_) earliest = std::min(earliest, look.second);
    return earliest;
  }

  /// Those of all cameras: one whose camera is gone has no other recorder.
  void complete_leftovers() {
    const FileLock only = FileLock::of(folder_);
    if (only.refused()) return;  // another recorder does it
    std::error_code error;
    std::vector<fs::path> parts;
    for (fs::directory_iterator entry(folder_, error), end; !error && entry != end;
         entry.increment(error)) {
      if (parse_part_name(entry->path().filename().string())) parts.push_back(entry->path());
    }
    // One that was killed while it did this left two of a name, the smaller one not complete.
    const auto size_of = [](const fs::path& path) {
      std::error_code ignored;
      const std::uintmax_t size = fs::file_size(path, ignored);
      return ignored ? 0 : size;
    };
    std::sort(parts.begin(), parts.end(),
              [&](const fs::path& a, const fs::path& b) { return size_of(a) > size_of(b); });
    std::set<std::string> completed;
    for (const fs::path& part : parts) {
      const std::string name = parse_part_name(part.filename().string())->name;
      if (is_being_written(part)) continue;
      if (completed.contains(name)) {
        fs::remove(part, error);
        continue;
      }
      const Result<bool> done = complete_leftover(part, folder_ / name, stopping_);
      if (!done && stopping_) return;
      if (!done) note_leftover_failure(done.error());
      if (!done || !*done) continue;
      completed.insert(name);
      {
        const std::lock_guard lock(mutex_);
        ++stats_.files;
      }
      tell(folder_ / name);
    }
  }

  void note_leftover_failure(const Error& error) {
    const std::lock_guard lock(mutex_);
    ++stats_.failures;
    set_problem(0, error.message);
  }

  const EventRecorderOptions options_;
  base::Clock& clock_;
  const fs::path folder_;

  mutable std::mutex mutex_;
  std::optional<FormatWatch> watch_;
  std::optional<Error> unsupported_;
  PreRoll pre_roll_;
  std::optional<Duration> last_time_;  ///< the stream's, of its newest packet
  Instant last_arrival_;
  std::set<std::string> active_;
  std::optional<Duration> hold_until_;  ///< stream's time: recorded until then without an event
  std::optional<Duration> moved_hold_;  ///< as much of it as is left when the time begins anew
  std::string event_;                   ///< that files are called after
  bool writing_ = false;                ///< a file is open, seen from the end of jobs_
  std::uint64_t file_number_ = 0;       ///< that file's
  std::uint64_t failed_number_ = ~std::uint64_t{0};  ///< of the file that failed last
  Instant not_before_;                               ///< no new file until then
  Duration file_begin_{0};                           ///< stream's time
  std::deque<Job> jobs_;
  std::size_t waiting_bytes_ = 0;       ///< of packets in jobs_
  std::atomic<bool> stopping_ = false;  ///< read by complete_leftover() without the mutex
  EventRecorderStats stats_;
  std::uint64_t problem_number_ = 0;  ///< of the file that stats_.problem is of
  std::string folder_problem_;        ///< why old recordings could not be removed, the last time

  // Of the writer's thread.
  std::unique_ptr<PacketFile> file_;  ///< null: none, or it failed
  fs::path path_;
  std::uint64_t number_ = 0;
  std::deque<std::pair<Instant, WallTime>> looks_;  ///< at the wall clock

  std::unique_ptr<base::Condition> work_;
  std::unique_ptr<base::Thread> thread_;
};

Status check_recorder_options(const EventRecorderOptions& options) {
  const auto wrong = [](const std::string& what) {
    return Error{ErrorCode::kInvalidArgument, "recording: " + what};
  };
  if (options.folder.empty()) return wrong("expected a folder");
  if (options.camera.empty()) return wrong("expected the camera's name");
  if (options.pre_roll < 0ms) return wrong("pre_roll: expected 0 s or more");
  if (options.post_roll < 0ms) return wrong("post_roll: expected 0 s or more");
  if (options.max_length <= 0ms) return wrong("max_length: expected more than 0 s");
  if (options.retention.keep < 0s) return wrong("keep: expected 0 or more");
  if (options.stalled_after <= 0ms) return wrong("stalled_after: expected more than 0 s");
  if (options.max_pre_roll_bytes == 0 || options.max_waiting_bytes == 0) {
    return wrong("expected room for packets in memory");
  }
  return {};
}

}  // namespace

Result<std::shared_ptr<EventRecorder>> EventRecorder::create(const EventRecorderOptions& options,
                                                             base::Clock& clock) {
  OSPREY_TRY(check_recorder_options(options));
  auto folders = OSPREY_TRY(base::MadeFolders::make(options.folder));
  if (::access(options.folder.c_str(), W_OK | X_OK) != 0) {
    return base::io_error("recording: cannot write to " + options.folder, errno);
  }
  folders.keep();
  auto recorder = std::make_shared<Recorder>(options, clock);
  recorder->start();
  return std::shared_ptr<EventRecorder>(std::move(recorder));
}

}  // namespace osprey::media
