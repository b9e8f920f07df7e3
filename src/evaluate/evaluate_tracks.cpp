// SPDX-License-Identifier: Apache-2.0
#include <osprey/evaluate_tracks.hpp>

#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/try.hpp"
#include "evaluate/read_mot.hpp"
#include "evaluate/track_scores.hpp"

namespace osprey {

namespace {

using TracksJson = nlohmann::ordered_json;

TracksJson scores_json(const TrackScores& s) {
  return {{"labels", s.labels},
          {"label_tracks", s.label_tracks},
          {"boxes", s.boxes},
          {"tracks", s.tracks},
          {"hota", s.hota},
          {"det_a", s.det_a},
          {"ass_a", s.ass_a},
          {"loc_a", s.loc_a},
          {"det_re", s.det_re},
          {"det_pr", s.det_pr},
          {"ass_re", s.ass_re},
          {"ass_pr", s.ass_pr},
          {"hota_at", s.hota_at},
          {"det_at", s.det_at},
          {"ass_at", s.ass_at},
          {"loc_at", s.loc_at},
          {"mota", s.mota},
          {"motp", s.motp},
          {"correct", s.correct},
          {"missed", s.missed},
          {"wrong", s.wrong},
          {"id_switches", s.id_switches},
          {"fragments", s.fragments},
          {"mostly_tracked", s.mostly_tracked},
          {"partly_tracked", s.partly_tracked},
          {"mostly_lost", s.mostly_lost},
          {"idf1", s.idf1},
          {"id_recall", s.id_recall},
          {"id_precision", s.id_precision},
          {"id_correct", s.id_correct},
          {"id_missed", s.id_missed},
          {"id_wrong", s.id_wrong}};
}

std::string table_line(const std::string& name, const TrackScores& s) {
  std::array<char, 400> text{};
  const auto whole = [](std::int64_t value) { return static_cast<long long>(value); };
  std::snprintf(text.data(), text.size(),
                "%-20.60s %6.3f %6.3f %6.3f %6.3f  %6.3f %6.3f %6.3f %6lld %7lld %7lld %6lld "
                "%4lld/%lld/%lld\n",
                name.c_str(), s.hota, s.det_a, s.ass_a, s.loc_a, s.mota, s.motp, s.idf1,
                whole(s.id_switches), whole(s.missed), whole(s.wrong), whole(s.tracks),
                whole(s.mostly_tracked), whole(s.partly_tracked), whole(s.mostly_lost));
  return text.data();
}

}  // namespace

Result<TrackEvaluation> evaluate_tracks(const TrackEvaluationOptions& options) {
  TrackEvaluation result;
  const auto sequences = OSPREY_TRY(evaluation::read_mot(options, result.warnings));
  evaluation::TrackSums all;
  for (const auto& sequence : sequences) {
    const auto sums = evaluation::sum_up(sequence);
    result.sequences.push_back({sequence.name, sums.scores(false)});
    all.add(sums);
  }
  result.all = all.scores(true);
  return result;
}

std::string to_text(const TrackEvaluation& evaluation) {
  std::string text =
      "sequence               HOTA   DetA   AssA   LocA    MOTA   MOTP   IDF1   IDSW  missed   "
      "wrong tracks  mostly/partly/hardly found\n";
  for (const auto& sequence : evaluation.sequences) {
    text += table_line(sequence.name, sequence.scores);
  }
  if (evaluation.sequences.size() > 1) text += table_line("all", evaluation.all);
  const auto& all = evaluation.all;
  text += std::to_string(all.labels) + " labels of " + std::to_string(all.label_tracks) +
          " objects; " + std::to_string(all.boxes) + " boxes of " + std::to_string(all.tracks) +
          " tracks\n";
  for (const auto& warning : evaluation.warnings) text += "warning   " + warning + "\n";
  return text;
}

std::string to_json(const TrackEvaluation& evaluation) {
  TracksJson json = {{"all", scores_json(evaluation.all)}, {"sequences", TracksJson::array()}};
  for (const auto& sequence : evaluation.sequences) {
    auto one = scores_json(sequence.scores);
    one["name"] = sequence.name;
    json["sequences"].push_back(std::move(one));
  }
  json["warnings"] = evaluation.warnings;
  return json.dump(2, ' ', false, TracksJson::error_handler_t::replace) + "\n";
}

}  // namespace osprey
