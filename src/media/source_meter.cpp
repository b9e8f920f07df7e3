// SPDX-License-Identifier: Apache-2.0
#include "media/source_meter.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace osprey::media {
namespace {

using base::Instant;

/// Of any stream; more is no camera, but a file that is read.
constexpr std::size_t kMostEntries = 4096;

double seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

template <typename Entry>
void add(std::deque<Entry>& window, Entry entry) {
  const Instant oldest = entry.time - SourceMeter::kWindow;
  while (!window.empty() && (window.front().time < oldest || window.size() >= kMostEntries)) {
    window.pop_front();
  }
  window.push_back(entry);
}

template <typename Entry>
std::vector<Entry> recent(const std::deque<Entry>& window, Instant now) {
  std::vector<Entry> entries;
  for (const Entry& entry : window) {
    if (entry.time >= now - SourceMeter::kWindow) entries.push_back(entry);
  }
  return entries;
}

/// Entries a second. Right from the second one on, and falls as soon as the next is late.
template <typename Entry>
double rate(const std::vector<Entry>& entries, Instant now) {
  if (entries.size() < 2) return 0;
  const double span = seconds(entries.back().time - entries.front().time);
  const auto intervals = static_cast<double>(entries.size() - 1);
  const double late = seconds(now - entries.back().time) - 1.5 * span / intervals;
  const double length = span + std::max(0.0, late);
  return length > 0 ? intervals / length : 0;
}

/// p95 of |interval - mean|, in seconds.
template <typename Entry>
double jitter(const std::vector<Entry>& entries) {
  if (entries.size() < 3) return 0;
  const auto intervals = entries.size() - 1;
  const double mean =
      seconds(entries.back().time - entries.front().time) / static_cast<double>(intervals);
  std::vector<double> differences;
  differences.reserve(intervals);
  for (std::size_t i = 0; i < intervals; ++i) {
    differences.push_back(std::abs(seconds(entries[i + 1].time - entries[i].time) - mean));
  }
  const auto place = static_cast<std::ptrdiff_t>((intervals - 1) * 95 / 100);
  std::nth_element(differences.begin(), differences.begin() + place, differences.end());
  return differences[static_cast<std::size_t>(place)];
}

}  // namespace

const char* to_string(SourceState state) {
  switch (state) {
    case SourceState::kConnecting:
      return "connecting";
    case SourceState::kRunning:
      return "running";
    case SourceState::kWaiting:
      return "waiting";
    case SourceState::kEnded:
      return "ended";
  }
  return "";
}

SourceReading SourceMeter::read(Instant now) const {
  SourceReading reading;
  std::vector<Arrival> arrivals;
  std::vector<Decoded> decoded;
  {
    const std::lock_guard lock(mutex_);
    reading = counts_;
    // What has ended is shown as it was.
    if (counts_.state == SourceState::kEnded && !arrivals_.empty()) now = arrivals_.back().time;
    arrivals = recent(arrivals_, now);
    decoded = recent(decoded_, now);
  }
  reading.delivered_fps = rate(arrivals, now);
  reading.decoded_fps = rate(decoded, now);
  reading.jitter = jitter(arrivals);
  if (!arrivals.empty()) {
    double bytes = 0;
    for (const Arrival& arrival : arrivals) bytes += static_cast<double>(arrival.bytes);
    reading.bytes_per_second = bytes / static_cast<double>(arrivals.size()) * reading.delivered_fps;
  }
  if (!decoded.empty()) {
    Duration sum{0};
    for (const Decoded& frame : decoded) sum += frame.took;
    reading.decode_seconds = seconds(sum) / static_cast<double>(decoded.size());
  }
  return reading;
}

void SourceMeter::set_state(SourceState state) {
  const std::lock_guard lock(mutex_);
  counts_.state = state;
}

void SourceMeter::set_problem(const std::string& problem) {
  const std::lock_guard lock(mutex_);
  counts_.problem = problem;
}

void SourceMeter::connected(const std::string& decoder, double declared_fps) {
  const std::lock_guard lock(mutex_);
  counts_.decoder = decoder;
  counts_.declared_fps = declared_fps;
  counts_.state = SourceState::kRunning;
  arrivals_.clear();
  decoded_.clear();
}

void SourceMeter::set_decoder(const std::string& decoder, double declared_fps) {
  const std::lock_guard lock(mutex_);
  counts_.decoder = decoder;
  counts_.declared_fps = declared_fps;
}

void SourceMeter::caught_up() {
  const std::lock_guard lock(mutex_);
  arrivals_.clear();
  decoded_.clear();
}

void SourceMeter::packet(Instant now, std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  ++counts_.packets;
  add(arrivals_, Arrival{now, bytes});
}

void SourceMeter::frame(Instant now, Duration decoding, int width, int height) {
  const std::lock_guard lock(mutex_);
  ++counts_.frames;
  counts_.width = width;
  counts_.height = height;
  add(decoded_, Decoded{now, decoding});
}

void SourceMeter::skipped() {
  const std::lock_guard lock(mutex_);
  ++counts_.skipped;
}

void SourceMeter::damaged() {
  const std::lock_guard lock(mutex_);
  ++counts_.damaged;
}

void SourceMeter::reconnected() {
  const std::lock_guard lock(mutex_);
  ++counts_.reconnects;
}

void SourceMeter::stalled() {
  const std::lock_guard lock(mutex_);
  ++counts_.stalls;
}

void SourceMeter::clock_jumped() {
  const std::lock_guard lock(mutex_);
  ++counts_.clock_jumps;
}

}  // namespace osprey::media
