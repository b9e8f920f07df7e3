// SPDX-License-Identifier: Apache-2.0
// TrackEval's numbers of sequences.
#pragma once

#include <osprey/evaluate_tracks.hpp>

#include <cstdint>
#include <span>

#include "evaluate/track_sequence.hpp"

namespace osprey::evaluation {

/// What a sequence is scored by, in sums that several sequences may add up.
struct TrackSums {
  using ByIou = TrackScores::ByIou;

  std::int64_t labels = 0, label_tracks = 0, boxes = 0, tracks = 0;
  /// HOTA: pairs, and sums over them of the association's quality and of the overlap.
  ByIou pairs{}, ass_a{}, ass_re{}, ass_pr{}, loc{};
  /// CLEAR.
  std::int64_t correct = 0, id_switches = 0, fragments = 0;
  std::int64_t mostly_tracked = 0, partly_tracked = 0, mostly_lost = 0;
  double overlap_sum = 0;
  /// Identities.
  std::int64_t id_correct = 0;

  void add(const TrackSums& other);
  /// `several`: they are of sequences added up. TrackEval calls MOTA 0 where a sequence alone has
  /// no labels.
  TrackScores scores(bool several) const;
};

/// Cost: an assignment a frame and measure.
TrackSums sum_up(const TrackSequence& sequence);

}  // namespace osprey::evaluation
