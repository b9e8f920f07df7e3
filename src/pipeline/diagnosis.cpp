// SPDX-License-Identifier: Apache-2.0
#include "pipeline/diagnosis.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace osprey::pipeline {
namespace {

// From here on a thread or the lanes set the pace: what waits for nothing else still loses some
// time between two things to do.
constexpr double kFull = kSaturated;
// Of a camera's frames. A stop, a start or a hiccup of the network costs a few of some hundreds;
// who is too slow loses many.
constexpr double kLostShare = 0.03;
constexpr std::uint64_t kFewFrames = 3;
// Of the declared rate: in ten seconds, jitter and the window's ends are good for 2 or 3 % of
// 25 fps.
constexpr double kMetShare = 0.93;
// Nobody's camera; some streams have the rate of their clock there.
constexpr double kMostDeclared = 480;
// Of a reader's time in which it waits for room.
constexpr double kBlockedShare = 0.1;

double in_seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

template <typename... Args>
std::string text(const char* format, Args... args) {
  std::array<char, 512> buffer{};
  std::snprintf(buffer.data(), buffer.size(), format, args...);
  return buffer.data();
}

/// 25, 29.97, 12.5: as cameras' menus have it.
std::string rate_text(double fps) {
  return std::abs(fps - std::round(fps)) < 0.005 ? text("%.0f", fps) : text("%.4g", fps);
}

std::string time_text(double seconds) {
  const double ms = 1e3 * seconds;
  return ms < 9.95   ? text("%.1f ms", ms)
         : ms < 9995 ? text("%.0f ms", ms)
                     : text("%.1f s", seconds);
}

std::string number_text(std::size_t number) {
  static constexpr const char* kWords[] = {"no",   "one",    "two",   "three", "four",
                                           "five", "six",    "seven", "eight", "nine",
                                           "ten",  "eleven", "twelve"};
  return number < std::size(kWords) ? kWords[number] : std::to_string(number);
}

/// What happened to a stream, and to all of them, between two snapshots.
struct Window {
  double seconds = 0;                            // of the stream's life in it
  double span = 0;                               // of the pipeline's
  double captured = 0, delivered = 0, lost = 0;  // frames of the stream
  double blocked = 0, planning = 0;              // shares of the stream's life
  double all_captured = 0, all_delivered = 0;    // of all streams
  std::size_t streams = 0;                       // that were there
  std::size_t lanes = 0;
  double busy = 0, own_threads = 0, output_starved = 0;  // shares of the time the lanes were in use
  double run_seconds = 0;                                // of all lanes
  double delivering = 0;                                 // share of the release thread's time
  double delivery_seconds = 0;                           // a frame
  double own_seconds = 0;                                // of the lanes' threads a frame
};

Window window_of(std::size_t index, const Stats& before, const Stats& now) {
  Window window;
  window.span = in_seconds(now.elapsed - before.elapsed);
  for (std::size_t i = 0; i < now.streams.size(); ++i) {
    const StreamStats& is = now.streams[i];
    // An index may have been given to another stream in between: then all of it is new.
    StreamStats was = i < before.streams.size() ? before.streams[i] : StreamStats{};
    if (was.captured > is.captured || was.elapsed > is.elapsed) was = {};
    const auto captured = static_cast<double>(is.captured - was.captured);
    const auto delivered = static_cast<double>(is.delivered - was.delivered);
    window.all_captured += captured;
    window.all_delivered += delivered;
    window.streams += captured > 0;
    if (i != index) continue;
    window.seconds = in_seconds(is.elapsed - was.elapsed);
    window.captured = captured;
    window.delivered = delivered;
    const auto stopped = static_cast<std::size_t>(DropReason::kStopped);
    window.lost = static_cast<double>((is.dropped() - is.dropped_by[stopped]) -
                                      (was.dropped() - was.dropped_by[stopped]));
    if (window.seconds > 0) {
      window.blocked = in_seconds(is.blocked - was.blocked) / window.seconds;
      window.planning = in_seconds(is.planning - was.planning) / window.seconds;
    }
  }
  Duration busy{0}, resting{0}, own{0}, running{0};
  for (std::size_t i = 0; i < now.lanes.size(); ++i) {
    const LaneStats& is = now.lanes[i];
    const LaneStats was = i < before.lanes.size() ? before.lanes[i] : LaneStats{};
    busy += is.busy - was.busy;
    resting += is.resting - was.resting;
    own += (is.prepare - was.prepare) + (is.finish - was.finish) + (is.collect - was.collect);
    running += is.runs.sum - was.runs.sum;
  }
  window.lanes = now.lanes.size();
  window.run_seconds = in_seconds(running);
  const double in_use = window.span * static_cast<double>(window.lanes) - in_seconds(resting);
  if (in_use > 0) {
    window.busy = std::min(1.0, in_seconds(busy) / in_use);
    window.own_threads = in_seconds(own) / in_use;
    window.output_starved = in_seconds(now.starved_by_output - before.starved_by_output) / in_use;
  }
  const double delivering = in_seconds(now.delivering - before.delivering);
  if (window.span > 0) window.delivering = delivering / window.span;
  if (window.all_delivered > 0) {
    window.delivery_seconds = delivering / window.all_delivered;
    window.own_seconds = in_seconds(own) / window.all_delivered;
  }
  return window;
}

std::string lanes_text(const Window& window) {
  return number_text(window.lanes) + (window.lanes == 1 ? " lane is " : " lanes are ") +
         text("%.0f %% busy", 100 * window.busy);
}

std::string streams_text(const Window& window) {
  return window.streams == 1 ? "one stream gives" : number_text(window.streams) + " streams give";
}

Diagnosis down(const Window& window, const SourceRates& source) {
  if (!source.connected) return {Limit::kDown, "the source is not connected: no frames come"};
  return {Limit::kDown, text("no frame has come for %.1f s", window.seconds)};
}

Diagnosis inference(const Window& window) {
  const double frame = window.all_delivered > 0 ? window.run_seconds / window.all_delivered : 0;
  return {Limit::kInference,
          text("the model takes %s a frame on %s %s: %.1f of the %.0f frames a second that %s; a "
               "smaller model, INT8 or more lanes make it faster",
               time_text(frame).c_str(), number_text(window.lanes).c_str(),
               window.lanes == 1 ? "lane" : "lanes", window.all_delivered / window.span,
               window.all_captured / window.span, streams_text(window).c_str())};
}

Diagnosis output(const Window& window, const SlowestSink& sink) {
  const std::string who =
      sink.name.empty()
          ? "delivering takes " + time_text(window.delivery_seconds) + " a frame on one thread"
          : "the sink '" + sink.name + "' needs " + time_text(sink.seconds) + " each time";
  return {
      Limit::kOutput,
      who +
          text(": %.1f of the %.0f frames a second that %s; ", window.all_delivered / window.span,
               window.all_captured / window.span, streams_text(window).c_str()) +
          (sink.name.empty() ? "fewer or faster sinks help" : "a faster one helps")};
}

Diagnosis preparation(const Window& window) {
  return {Limit::kPreparation,
          text("scaling pictures in and reading boxes out take %s a frame, and %s; more lanes "
               "overlap more of it, a higher confidence leaves fewer boxes",
               time_text(window.own_seconds).c_str(), lanes_text(window).c_str())};
}

/// More comes than goes: of what is behind the source, the one with the least time to spare.
Diagnosis behind_the_source(const Window& window, const SlowestSink& sink) {
  const bool output_full = window.delivering >= kFull;
  if (window.busy >= kFull && !(output_full && window.delivering > window.busy)) {
    return inference(window);
  }
  if (output_full) return output(window, sink);
  // Nobody is full, so they hold each other up: whoever costs the lanes the most.
  const double idle = 1 - window.busy;
  if (window.output_starved >= idle / 2) return output(window, sink);
  const double own = std::max(window.own_threads, window.planning);
  if (own >= kFull || window.own_threads > window.busy) return preparation(window);
  if (window.busy >= idle) return inference(window);
  return window.delivering > own ? output(window, sink) : preparation(window);
}

Diagnosis decode(const Window& window, const SourceRates& source, double got) {
  std::string sentence = "decoding takes " + time_text(source.decode_seconds) + " a frame " +
                         (source.hardware ? "in hardware" : "on one thread") +
                         text(": %.1f fps", got);
  const double wanted = std::max(source.declared_fps, source.delivered_fps);
  if (source.live && wanted > got) sentence += " of the camera's " + rate_text(wanted);
  sentence += "; " + lanes_text(window);
  if (!source.live)
    return {Limit::kDecode, sentence + "; a smaller video or several at once fill them"};
  return {Limit::kDecode, sentence + (source.hardware ? "; the camera's sub-stream is less work"
                                                      : "; use a hardware decoder or the camera's "
                                                        "sub-stream")};
}

}  // namespace

const char* to_string(Limit limit) {
  switch (limit) {
    case Limit::kIdle:
      return "idle";
    case Limit::kSource:
      return "source";
    case Limit::kDecode:
      return "decode";
    case Limit::kPreparation:
      return "preparation";
    case Limit::kInference:
      return "inference";
    case Limit::kOutput:
      return "output";
    case Limit::kDown:
      return "down";
  }
  return "";
}

Diagnosis diagnose(std::size_t stream, const Stats& before, const Stats& now,
                   const SourceRates& source, const SlowestSink& sink) {
  const Window window = window_of(stream, before, now);
  if (window.captured <= 0 || window.seconds <= 0 || window.span <= 0) return down(window, source);

  const bool loses = window.lost >= kFewFrames && window.lost > kLostShare * window.captured;
  // What a camera had sent before it was read, a reader that waits may have had to wait with.
  const bool full = window.busy >= kFull || window.delivering >= kFull;
  const bool waits = window.blocked > kBlockedShare && (full || !source.live);
  if (loses || waits) return behind_the_source(window, sink);

  const double got = window.captured / window.seconds;
  const double declared = source.declared_fps < kMostDeclared ? source.declared_fps : 0;
  const bool met = source.live && declared > 0 && got >= kMetShare * declared;
  // A decoder is full where it always has a picture in hand, and where pictures arrive that it does
  // not come to.
  const double decoding = source.decode_seconds * got;
  const bool behind = source.file || (source.decoded_fps > 0 &&
                                      source.delivered_fps * kMetShare > source.decoded_fps);
  if (source.decode_seconds > 0 && !met && (decoding >= kFull || (behind && decoding >= 0.5))) {
    return decode(window, source, got);
  }
  const auto ask = text("%.1f fps", got);
  if (!source.live) {
    return {Limit::kSource, "reading gives " + ask + ", all of which are looked at; " +
                                lanes_text(window) +
                                "; a simpler or smaller video, or several at once, fill them"};
  }
  if (declared > 0 && !met && source.file) {
    return {Limit::kSource, "the file gives " + text("%.1f", got) + " of its " +
                                rate_text(declared) + "; " + lanes_text(window) +
                                "; opening it anew takes its time: a longer one gives more"};
  }
  if (declared > 0 && !met) {
    return {Limit::kSource, "camera delivers " + ask + " of the " + rate_text(declared) +
                                " it declares; " + lanes_text(window) + "; ask the camera for " +
                                rate_text(declared)};
  }
  std::string sentence = "camera delivers " + ask + (declared > 0 ? ", as it declares" : "") +
                         ", all of which are looked at; " + lanes_text(window);
  if (window.busy < 0.5) sentence += "; there is room: ask the camera for more, or add cameras";
  return {Limit::kIdle, sentence};
}

}  // namespace osprey::pipeline
