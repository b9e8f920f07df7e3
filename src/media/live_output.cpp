// SPDX-License-Identifier: Apache-2.0
#include "media/live_output.hpp"

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cmath>
#include <deque>
#include <mutex>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "base/io_error.hpp"
#include "base/made_folders.hpp"
#include "base/try.hpp"
#include "media/live_encoder.hpp"
#include "media/live_muxer.hpp"
#include "media/secrets.hpp"

extern "C" {
#include <libavcodec/packet.h>
}

namespace osprey::media {

namespace fs = std::filesystem;

namespace {

using namespace std::chrono_literals;
using base::Instant;

constexpr Duration kLargestJump = 10s;  ///< of timestamps that is still believed
constexpr Duration kLastWords = 1s;     ///< for what waits when it ends

std::int64_t to_ticks(Duration time) {
  return time.count() / 1000 * kLiveTicksPerSecond / 1'000'000;
}

/// Ticks that rise, from timestamps that may not.
class RisingTicks {
 public:
  explicit RisingTicks(Duration period) : period_(period) {}

  std::int64_t next(Timestamp timestamp) {
    const Duration step = last_ ? timestamp - *last_ : period_;
    const bool believed = step > 0ns && step <= kLargestJump;
    now_ += believed ? step : period_;
    last_ = timestamp;
    last_ticks_ = std::max(last_ticks_ + 1, to_ticks(now_));
    return last_ticks_;
  }

 private:
  Duration period_;
  Duration now_{0};
  std::optional<Timestamp> last_;
  std::int64_t last_ticks_ = -1;
};

/// A name that FFmpeg takes for a protocol's is none of an absolute path.
fs::path absolute_or_none(const fs::path& folder) {
  return folder.empty() ? folder : fs::absolute(folder);
}

struct Waiting {
  Timestamp timestamp;
  std::function<Image()> draw;
};

class Output final : public LiveOutput {
 public:
  Output(const LiveOutputOptions& options, base::Clock& clock)
      : options_(options),
        clock_(clock),
        muxer_({options.rtsp_url, absolute_or_none(options.hls_folder), options.segment,
                options.segments, options.timeout},
               clock),
        ticks_(Duration(std::llround(1e9 / options.frame_rate))),
        pause_(options.first_pause),
        work_(clock.make_condition()) {}

  ~Output() override { Output::finish(); }

  void start() {
    thread_ = clock_.start_thread("out-" + options_.name, [this] { run(); });
  }

  void write(Timestamp timestamp, std::function<Image()> draw) override {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    ++stats_.pictures;
    if (!is_due(timestamp)) {
      ++stats_.left_out;
      return;
    }
    if (waiting_.size() >= options_.queue) {
      waiting_.pop_front();
      ++stats_.too_slow;
    }
    waiting_.push_back({timestamp, std::move(draw)});
    work_->notify_one();
  }

  void write(const Image& image, Timestamp timestamp) override {
    write(timestamp, [image] { return image; });
  }

  LiveOutputStats stats() const override {
    const std::lock_guard lock(mutex_);
    return stats_;
  }

  void finish() override {
    {
      const std::lock_guard lock(mutex_);
      if (!stopping_ && !options_.rtsp_url.empty()) {
        muxer_.interrupt_at(clock_.now() + (stats_.connected ? kLastWords : 0s));
      }
      stopping_ = true;
      work_->notify_one();
    }
    if (thread_) thread_->join();
  }

 private:
  /// With mutex_ held. Half a period of patience, so that jitter does not halve the rate.
  bool is_due(Timestamp timestamp) {
    if (options_.max_frame_rate <= 0) return true;
    const Duration period(std::llround(1e9 / options_.max_frame_rate));
    const bool jumped =
        next_due_ && (timestamp - *next_due_ > kLargestJump || *next_due_ - timestamp > 2 * period);
    if (!next_due_ || jumped) next_due_ = timestamp;
    if (*next_due_ - timestamp > period / 2) return false;
    next_due_ = std::max(*next_due_ + period, timestamp + period / 2);
    return true;
  }

  // --- the output's thread

  void run() {
    while (std::optional<Waiting> waiting = next()) {
      const bool sent = send(*waiting);
      const std::lock_guard lock(mutex_);
      ++(sent ? stats_.written : stats_.away);
    }
    static_cast<void>(muxer_.close(true));
    const std::lock_guard lock(mutex_);
    stats_.connected = false;
  }

  std::optional<Waiting> next() {
    std::unique_lock lock(mutex_);
    while (waiting_.empty() && !stopping_) work_->wait(lock);
    if (waiting_.empty()) return std::nullopt;
    Waiting waiting = std::move(waiting_.front());
    waiting_.pop_front();
    return waiting;
  }

  bool send(const Waiting& waiting) {
    if (!muxer_.is_open() && clock_.now() < retry_at_) return false;
    const Image image = waiting.draw();
    const Status status = send_image(image, waiting.timestamp);
    if (status) return true;
    muxer_.abandon();
    retry_at_ = clock_.now() + pause_;
    pause_ = std::min(2 * pause_, options_.longest_pause);
    note_failure(status.error());
    return false;
  }

  Status send_image(const Image& image, Timestamp timestamp) {
    if (image.empty()) {
      return Error{ErrorCode::kInvalidArgument, options_.name + ": a picture without pixels"};
    }
    OSPREY_TRY(prepare(image.width, image.height));
    const std::int64_t ticks = ticks_.next(timestamp);
    const bool key = !next_key_ || ticks >= *next_key_;
    const bool ends_segment = key && next_key_;
    if (key) next_key_ = ticks + to_ticks(options_.segment);
    Status sent = encoder_->encode(image, ticks, key, [&](AVPacket& packet) -> Status {
      const auto bytes = static_cast<std::uint64_t>(packet.size);
      OSPREY_TRY(muxer_.write(packet));
      pause_ = options_.first_pause;
      const std::lock_guard lock(mutex_);
      stats_.bytes += bytes;
      return {};
    });
    if (sent && ends_segment) {  // files fail when they end, and connections some packets later
      const std::lock_guard lock(mutex_);
      stats_.problem.clear();
    }
    return sent;
  }

  /// An encoder for this size, and a connection.
  Status prepare(int width, int height) {
    if (!encoder_ || width != width_ || height != height_) {
      static_cast<void>(muxer_.close(false));
      encoder_.reset();
      const LiveEncoderOptions options{options_.encoder, options_.preset, options_.bit_rate,
                                       options_.frame_rate, options_.threads};
      auto encoder = LiveEncoder::open(width, height, options);
      if (!encoder)
        return Error{encoder.error().code, options_.name + ": " + encoder.error().message};
      encoder_ = *std::move(encoder);
      width_ = width;
      height_ = height;
    }
    if (muxer_.is_open()) return {};
    OSPREY_TRY(muxer_.open(encoder_->context()));
    next_key_.reset();
    const std::lock_guard lock(mutex_);
    stats_.encoder = encoder_->name();
    stats_.connected = true;
    ++stats_.connections;
    return {};
  }

  void note_failure(const Error& error) {
    const std::lock_guard lock(mutex_);
    stats_.connected = false;
    stats_.problem = error.message;
  }

  const LiveOutputOptions options_;
  base::Clock& clock_;

  mutable std::mutex mutex_;
  std::deque<Waiting> waiting_;
  std::optional<Timestamp> next_due_;
  bool stopping_ = false;
  LiveOutputStats stats_;

  // Of the output's thread, but for LiveMuxer::interrupt_at().
  LiveMuxer muxer_;
  std::unique_ptr<LiveEncoder> encoder_;
  int width_ = 0, height_ = 0;
  RisingTicks ticks_;
  std::optional<std::int64_t> next_key_;
  Instant retry_at_;
  std::chrono::milliseconds pause_;

  std::unique_ptr<base::Condition> work_;
  std::unique_ptr<base::Thread> thread_;
};

bool is_hls_name(std::string_view name) {
  if (name == kHlsPlaylist) return true;
  constexpr std::string_view kBegin = "segment-", kEnd = ".ts";
  if (!name.starts_with(kBegin) || !name.ends_with(kEnd)) return false;
  if (name.size() <= kBegin.size() + kEnd.size()) return false;
  const std::string_view number =
      name.substr(kBegin.size(), name.size() - kBegin.size() - kEnd.size());
  return number.size() <= 20 && std::all_of(number.begin(), number.end(),
                                            [](unsigned char c) { return std::isdigit(c) != 0; });
}

/// What an earlier run left, also one that was killed in the middle of a file.
void remove_old_files(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> old;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    std::string name = entry->path().filename().string();
    if (name.ends_with(".tmp")) name.resize(name.size() - 4);
    if (is_hls_name(name)) old.push_back(entry->path());
  }
  for (const fs::path& path : old) fs::remove(path, error);
}

Status check_output_options(const LiveOutputOptions& options) {
  const auto wrong = [&](const std::string& what) {
    return Error{ErrorCode::kInvalidArgument, "output of " + options.name + ": " + what};
  };
  const std::string& url = options.rtsp_url;
  if (url.empty() == options.hls_folder.empty()) {
    return wrong("expected either an rtsp:// address or a folder for HLS");
  }
  if (!url.empty() && !url.starts_with("rtsp://") && !url.starts_with("rtsps://")) {
    return wrong("\"" + without_secrets(url) + "\": expected rtsp:// or rtsps://");
  }
  if (options.hls_folder.string().find('%') != std::string::npos) {
    return wrong(options.hls_folder.string() + ": expected a folder without % in its name");
  }
  if (!(options.frame_rate > 0) || !std::isfinite(options.frame_rate)) {
    return wrong("frame_rate: expected more than 0");
  }
  if (!(options.max_frame_rate >= 0) || !std::isfinite(options.max_frame_rate)) {
    return wrong("max_frame_rate: expected 0 or more");
  }
  if (options.bit_rate < 0) return wrong("bit_rate: expected 0 or more");
  if (options.threads < 1) return wrong("threads: expected 1 or more");
  if (options.segment < 200ms || options.segment > 30s) {
    return wrong("segment: expected 0.2 to 30 s");
  }
  if (options.segments < 2) return wrong("segments: expected 2 or more");
  if (options.queue < 1) return wrong("queue: expected 1 or more");
  if (options.timeout <= 0ms || options.first_pause <= 0ms || options.longest_pause <= 0ms) {
    return wrong("expected times above 0");
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<LiveOutput>> LiveOutput::create(const LiveOutputOptions& options,
                                                       base::Clock& clock) {
  OSPREY_TRY(check_output_options(options));
  LiveEncoderOptions encoder;
  encoder.encoder = options.encoder;
  OSPREY_TRY(check_live_encoder(encoder));
  if (!options.hls_folder.empty()) {
    auto folders = OSPREY_TRY(base::MadeFolders::make(options.hls_folder));
    if (::access(options.hls_folder.c_str(), W_OK | X_OK) != 0) {
      return base::io_error("HLS: cannot write to " + options.hls_folder.string(), errno);
    }
    folders.keep();
    remove_old_files(options.hls_folder);
  }
  auto output = std::make_unique<Output>(options, clock);
  output->start();
  return std::unique_ptr<LiveOutput>(std::move(output));
}

Result<fs::path> find_hls_file(const fs::path& folder, const std::string& name) {
  std::error_code ignored;
  if (is_hls_name(name)) {
    fs::path path = folder / name;
    if (fs::is_regular_file(fs::symlink_status(path, ignored))) return path;
  }
  return Error{ErrorCode::kNotFound, "no such file of a live stream"};
}

}  // namespace osprey::media
