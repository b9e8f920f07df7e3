// SPDX-License-Identifier: Apache-2.0
// What a pipeline counted: every frame's fate, where the time went, and what held it back.
#pragma once

#include <osprey/result.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/time.hpp"
#include "pipeline/buckets.hpp"

namespace osprey::pipeline {

/// Why a frame was not delivered.
enum class DropReason : std::uint8_t {
  kOldest,   ///< made room for a newer frame (Admission::kDropOldest)
  kNewest,   ///< found no room
  kStopped,  ///< the pipeline stopped first
  kTooOld,   ///< its stream's max_age had passed before a lane was free for it
};
inline constexpr std::size_t kDropReasons = 4;

/// "oldest", "newest", "stopped", "too_old".
const char* to_string(DropReason reason);

/// Capture to end of delivery, of delivered frames.
struct LatencyStats {
  Duration p50{0}, p95{0}, p99{0}, max{0};
};

/// One stream's ledger: captured == delivered + dropped() + in_flight, at all times.
struct StreamStats {
  std::uint64_t captured = 0;
  std::uint64_t delivered = 0;  ///< includes the failed
  std::uint64_t failed = 0;     ///< delivered with an error in place of a result
  std::array<std::uint64_t, kDropReasons> dropped_by{};  ///< by DropReason
  std::uint64_t in_flight = 0;
  Duration reading{0};     ///< the reader thread inside Source::read
  Duration blocked{0};     ///< the reader thread waiting for room
  Duration planning{0};    ///< the reader thread inside Stages::plan
  Duration delivering{0};  ///< the release thread inside Stages::deliver with its frames
  Duration elapsed{0};     ///< since it was added, until it ended
  LatencyStats latency;    ///< within 1 %
  LatencyStats recent;     ///< of the last 50..60 s, within 2 %
  Buckets latencies;       ///< the same, in buckets
  bool ended = false;      ///< its source gave its last frame, failed, or was stopped: it is gone
  std::optional<Error> error;  ///< why the source ended early

  std::uint64_t dropped() const;
  bool balanced() const { return captured == delivered + dropped() + in_flight; }
};

/// One lane. Its time is `busy`, `resting`, `starved`, or lost to its own prepare, finish and
/// collect.
struct LaneStats {
  std::uint64_t jobs = 0;      ///< taken and given back, whatever came of them
  std::uint64_t failures = 0;  ///< of those, failed in prepare, start or finish
  std::uint64_t faults = 0;    ///< times it was taken out of use
  std::string last_fault;      ///< why; empty: never
  Buckets runs;                ///< how long each took, without the wait for the one before it
  Duration busy{0};            ///< at least one slot was running
  Duration resting{0};         ///< out of use
  Duration starved{0};         ///< no job in either slot and none to take
  Duration prepare{0};         ///< its thread inside LaneRunner::prepare
  Duration finish{0};          ///< its thread inside LaneRunner::finish
  Duration collect{0};         ///< its thread inside Stages::collect
};

/// What streams counted whose index was given to another one: all of it.
struct PastStreams {
  std::uint64_t streams = 0;
  std::uint64_t captured = 0, delivered = 0, failed = 0;  ///< as StreamStats
  std::array<std::uint64_t, kDropReasons> dropped_by{};
};

/// A consistent picture of one moment.
struct Stats {
  Duration elapsed{0};  ///< since the start; stands still once everything has ended
  /// By index. One that ended keeps its place and its ledger until the index is given anew.
  std::vector<StreamStats> streams;
  PastStreams past;
  std::vector<LaneStats> lanes;
  Duration delivering{0};         ///< the release thread inside Stages::deliver
  Duration starved_by_source{0};  ///< sum of the lanes' starved time while frames could come in
  Duration starved_by_output{0};  ///< the rest of it: every place was held by frames to deliver
  LatencyStats latency;           ///< of all streams, within 1 %

  /// Mean share of `elapsed` in which a lane was busy, 0..1.
  double utilisation() const;
};

/// The stage that sets the pace.
enum class Bound : std::uint8_t { kSource, kPreparation, kInference, kOutput };

/// "source", "preparation", "inference", "output".
const char* to_string(Bound bound);

/// Where the lanes' time went; the shares add up to 1 (all 0 if no time has passed).
struct BoundBy {
  Bound bound = Bound::kSource;
  double inference = 0;    ///< running
  double preparation = 0;  ///< idle while the lane's own thread prepared, finished or collected
  double source = 0;       ///< idle for want of frames
  double output = 0;       ///< idle because delivery held every place
  double resting = 0;      ///< out of use, after a fault
};

/// From this share on, the lanes count as saturated.
inline constexpr double kSaturated = 0.85;

/// Inference if the lanes in use are saturated, otherwise whatever cost them the most time: a stage
/// that is 70 % busy because frames come late gains nothing from being faster.
BoundBy bound_by(const Stats& stats);

}  // namespace osprey::pipeline
