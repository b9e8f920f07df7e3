// SPDX-License-Identifier: Apache-2.0
// How good tracks are: HOTA, CLEAR (MOTA), identities (IDF1).
#pragma once

#include <osprey/export.hpp>
#include <osprey/result.hpp>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace osprey {

/// Which boxes of the ground truth count.
enum class TrackRules {
  kAll,    ///< all whose seventh number is not 0
  kMot17,  ///< of these, pedestrians; who finds a distractor is neither right nor wrong
  kMot20,  ///< the same with MOT20's distractors, which include vehicles
};

struct TrackEvaluationOptions {
  /// Files of MOTChallenge's lines, "frame,id,left,top,width,height,confidence,class,visibility",
  /// or folders of them: "<sequence>.txt" or "<sequence>/gt/gt.txt".
  std::string ground_truth;
  std::string tracks;  ///< a file, or a folder that has "<sequence>.txt" for each
  TrackRules rules = TrackRules::kAll;
};

/// The numbers of TrackEval; shares are 0..1, but mota may be below 0.
struct TrackScores {
  std::int64_t labels = 0, label_tracks = 0;  ///< boxes and objects of the ground truth
  std::int64_t boxes = 0, tracks = 0;         ///< of the result

  /// At IoU 0.05, 0.10 .. 0.95.
  using ByIou = std::array<double, 19>;
  ByIou hota_at{}, det_at{}, ass_at{}, loc_at{};
  /// Means of these: detection and association together; detection alone; association alone; how
  /// exact boxes are.
  double hota = 0, det_a = 0, ass_a = 0, loc_a = 0;
  double det_re = 0, det_pr = 0, ass_re = 0, ass_pr = 0;  ///< recall and precision of each

  /// CLEAR, at IoU 0.5.
  double mota = 0, motp = 0;
  std::int64_t correct = 0, missed = 0, wrong = 0;
  std::int64_t id_switches = 0, fragments = 0;
  /// Objects that were found in more than 0.8 of their frames, in 0.2 or more, in fewer.
  std::int64_t mostly_tracked = 0, partly_tracked = 0, mostly_lost = 0;

  /// Each object and one track of it, at IoU 0.5.
  double idf1 = 0, id_recall = 0, id_precision = 0;
  std::int64_t id_correct = 0, id_missed = 0, id_wrong = 0;
};

struct TrackEvaluation {
  struct Sequence {
    std::string name;
    TrackScores scores;
  };
  std::vector<Sequence> sequences;    ///< by name
  TrackScores all;                    ///< of all sequences together
  std::vector<std::string> warnings;  ///< what was odd
};

/// TrackEval's numbers within 1e-9, if the seventh numbers of the ground truth are 0 or 1: it
/// rounds others down. Errors name the file, the line and what was expected.
OSPREY_API Result<TrackEvaluation> evaluate_tracks(const TrackEvaluationOptions& options);

/// A table for people.
OSPREY_API std::string to_text(const TrackEvaluation& evaluation);
/// Everything, for programs; keys are the names above.
OSPREY_API std::string to_json(const TrackEvaluation& evaluation);

}  // namespace osprey
