// SPDX-License-Identifier: Apache-2.0
#include "pipeline/stats.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace osprey::pipeline {
namespace {

double seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

}  // namespace

const char* to_string(DropReason reason) {
  switch (reason) {
    case DropReason::kOldest:
      return "oldest";
    case DropReason::kNewest:
      return "newest";
    case DropReason::kStopped:
      return "stopped";
    case DropReason::kTooOld:
      return "too_old";
  }
  return "";
}

const char* to_string(Bound bound) {
  switch (bound) {
    case Bound::kSource:
      return "source";
    case Bound::kPreparation:
      return "preparation";
    case Bound::kInference:
      return "inference";
    case Bound::kOutput:
      return "output";
  }
  return "";
}

std::uint64_t StreamStats::dropped() const {
  return std::accumulate(dropped_by.begin(), dropped_by.end(), std::uint64_t{0});
}

double Stats::utilisation() const {
  return bound_by(*this).inference;
}

BoundBy bound_by(const Stats& stats) {
  BoundBy result;
  const double total = seconds(stats.elapsed) * static_cast<double>(stats.lanes.size());
  if (total <= 0) return result;

  Duration busy{0};
  Duration resting{0};
  for (const LaneStats& lane : stats.lanes) {
    busy += lane.busy;
    resting += lane.resting;
  }
  result.inference = seconds(busy) / total;
  result.source = seconds(stats.starved_by_source) / total;
  result.output = seconds(stats.starved_by_output) / total;
  result.resting = seconds(resting) / total;
  result.preparation =
      std::max(0.0, 1 - result.inference - result.source - result.output - result.resting);

  if (result.inference >= kSaturated * (1 - result.resting)) {
    result.bound = Bound::kInference;
    return result;
  }
  result.bound =
      std::max({std::pair{result.preparation, Bound::kPreparation},
                std::pair{result.source, Bound::kSource}, std::pair{result.output, Bound::kOutput}},
               [](const auto& a, const auto& b) { return a.first < b.first; })
          .second;
  return result;
}

}  // namespace osprey::pipeline
