// SPDX-License-Identifier: Apache-2.0
// What limits a stream, in one sentence: from numbers alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "pipeline/stats.hpp"

namespace osprey::pipeline {

/// What a stream's source is known to do, of about the time that is looked at. 0: not known.
struct SourceRates {
  double declared_fps = 0;    ///< what the stream says of itself
  double delivered_fps = 0;   ///< pictures that arrive, decoded or not
  double decoded_fps = 0;     ///< pictures that are decoded
  double decode_seconds = 0;  ///< that one picture takes, on one thread
  double jitter = 0;          ///< seconds between two pictures: p95 of the distance to the mean
  bool live = true;           ///< has a pace of its own; else it gives what is asked of it
  bool file = false;          ///< what it would give is there: it is never waited for
  bool connected = true;
  bool hardware = false;  ///< decodes in hardware
};

/// The sink that takes the most of the time in Stages::deliver, if that is known.
struct SlowestSink {
  std::string name;
  double seconds = 0;  ///< a frame or an event
};

/// What limits a stream's rate of results.
enum class Limit : std::uint8_t {
  kIdle,    ///< nothing: all that the source is meant to give is looked at
  kSource,  ///< a camera gives less than it declares, a file less than the lanes could take
  kDecode,
  kPreparation,  ///< planning, and the lanes' own threads
  kInference,
  kOutput,
  kDown,  ///< no frames come
};

/// "idle", "source", "decode", "preparation", "inference", "output", "down".
const char* to_string(Limit limit);

struct Diagnosis {
  Limit limit = Limit::kIdle;
  std::string sentence;  ///< what limits it, by how much, and what to do; no full stop
};

/// Of the time between two snapshots, `before` the earlier one (or Stats{}, for all of the time).
/// Some seconds of it are enough; a frame more or less, jitter and bursts do not turn a verdict
/// over. `stream` has its index in `now`.
Diagnosis diagnose(std::size_t stream, const Stats& before, const Stats& now,
                   const SourceRates& source, const SlowestSink& sink = {});

}  // namespace osprey::pipeline
