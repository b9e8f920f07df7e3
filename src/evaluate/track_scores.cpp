// SPDX-License-Identifier: Apache-2.0
#include "evaluate/track_scores.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <utility>
#include <vector>

#include "core/assignment.hpp"
#include "core/pairing.hpp"

namespace osprey::evaluation {

namespace {

using ByIou = TrackScores::ByIou;
using PlacePair = std::pair<std::size_t, std::size_t>;  // of an object, of a track

constexpr double kEpsilon = 2.220446049250313e-16;
constexpr double kMatch = 0.5;

/// Both sides with ids as places, and how boxes overlap.
struct ScoredFrame {
  std::vector<std::size_t> objects, tracks;
  std::vector<double> overlaps;  // row by row, objects x tracks

  double at(std::size_t object, std::size_t track) const {
    return overlaps[object * tracks.size() + track];
  }
};

struct ScoredSequence {
  std::vector<ScoredFrame> frames;
  std::vector<double> object_boxes, track_boxes;  // by place
};

/// Places of ids, from the lowest up.
std::map<std::int64_t, std::size_t> places_of(const std::vector<std::vector<TrackBox>>& frames) {
  std::map<std::int64_t, std::size_t> places;
  for (const auto& frame : frames) {
    for (const auto& box : frame) places[box.id] = 0;
  }
  std::size_t place = 0;
  for (auto& [id, at] : places) at = place++;
  return places;
}

ScoredSequence scored(const TrackSequence& sequence) {
  const auto objects = places_of(sequence.truth), tracks = places_of(sequence.found);
  ScoredSequence made;
  made.object_boxes.resize(objects.size());
  made.track_boxes.resize(tracks.size());
  for (std::size_t i = 0; i < sequence.truth.size(); ++i) {
    auto& frame = made.frames.emplace_back();
    for (const auto& box : sequence.truth[i]) frame.objects.push_back(objects.at(box.id));
    for (const auto& box : sequence.found[i]) frame.tracks.push_back(tracks.at(box.id));
    for (const auto place : frame.objects) ++made.object_boxes[place];
    for (const auto place : frame.tracks) ++made.track_boxes[place];
    frame.overlaps.reserve(frame.objects.size() * frame.tracks.size());
    for (const auto& label : sequence.truth[i]) {
      for (const auto& box : sequence.found[i]) frame.overlaps.push_back(overlap(label, box));
    }
  }
  return made;
}

/// How well objects and tracks go together in all: overlap, as a share of what else overlaps
/// either.
std::map<PlacePair, double> alignments(const ScoredSequence& sequence) {
  std::map<PlacePair, double> sums;
  for (const auto& frame : sequence.frames) {
    std::vector<double> of_object(frame.objects.size()), of_track(frame.tracks.size());
    for (std::size_t o = 0; o < of_object.size(); ++o) {
      for (std::size_t t = 0; t < of_track.size(); ++t) {
        of_object[o] += frame.at(o, t);
        of_track[t] += frame.at(o, t);
      }
    }
    for (std::size_t o = 0; o < of_object.size(); ++o) {
      for (std::size_t t = 0; t < of_track.size(); ++t) {
        const double shared = frame.at(o, t), all = of_object[o] + of_track[t] - shared;
        if (shared > 0 && all > kEpsilon) {
          sums[{frame.objects[o], frame.tracks[t]}] += shared / all;
        }
      }
    }
  }
  for (auto& [pair, sum] : sums) {
    sum /= sequence.object_boxes[pair.first] + sequence.track_boxes[pair.second] - sum;
  }
  return sums;
}

void sum_hota(const ScoredSequence& sequence, TrackSums& sums) {
  const auto aligned = alignments(sequence);
  std::map<PlacePair, ByIou> counts;
  for (const auto& frame : sequence.frames) {
    if (frame.objects.empty() || frame.tracks.empty()) continue;
    std::vector<double> cost(frame.overlaps.size(), 0);
    for (std::size_t o = 0; o < frame.objects.size(); ++o) {
      for (std::size_t t = 0; t < frame.tracks.size(); ++t) {
        const auto pair = aligned.find({frame.objects[o], frame.tracks[t]});
        if (pair == aligned.end()) continue;
        cost[o * frame.tracks.size() + t] = -pair->second * frame.at(o, t);
      }
    }
    const auto matches = assign(cost, frame.objects.size(), frame.tracks.size());
    for (std::size_t o = 0; o < frame.objects.size(); ++o) {
      if (matches[o] < 0) continue;
      const auto t = static_cast<std::size_t>(matches[o]);
      const double shared = frame.at(o, t);
      if (shared <= 0) continue;
      auto& count = counts[{frame.objects[o], frame.tracks[t]}];
      for (std::size_t i = 0; i < count.size(); ++i) {
        // As NumPy's arange counts.
        if (shared < 0.05 + 0.05 * static_cast<double>(i) - kEpsilon) break;
        ++count[i];
        ++sums.pairs[i];
        sums.loc[i] += shared;
      }
    }
  }
  for (const auto& [pair, count] : counts) {
    const double in_truth = sequence.object_boxes[pair.first];
    const double in_found = sequence.track_boxes[pair.second];
    for (std::size_t i = 0; i < count.size(); ++i) {
      const double n = count[i];
      sums.ass_a[i] += n * n / std::max(1.0, in_truth + in_found - n);
      sums.ass_re[i] += n * n / std::max(1.0, in_truth);
      sums.ass_pr[i] += n * n / std::max(1.0, in_found);
    }
  }
}

/// What CLEAR remembers of an object.
struct Followed {
  int last_track = -1;    // that it had
  int track_before = -1;  // in the frame before, or the last that had both kinds of boxes
  int present = 0, matched = 0, begun = 0;
};

void match_frame(const ScoredFrame& frame, std::vector<Followed>& objects, TrackSums& sums) {
  std::vector<double> cost(frame.overlaps.size(), 0);
  for (std::size_t o = 0; o < frame.objects.size(); ++o) {
    const auto& object = objects[frame.objects[o]];
    for (std::size_t t = 0; t < frame.tracks.size(); ++t) {
      const double shared = frame.at(o, t);
      if (shared < kMatch - kEpsilon) continue;
      // Whoever goes on with a track comes first.
      const bool goes_on = object.track_before == static_cast<int>(frame.tracks[t]);
      cost[o * frame.tracks.size() + t] = -(1000.0 * goes_on + shared);
    }
  }
  const auto matches = assign(cost, frame.objects.size(), frame.tracks.size());
  std::vector<int> track_now(objects.size(), -1);
  for (std::size_t o = 0; o < frame.objects.size(); ++o) {
    auto& object = objects[frame.objects[o]];
    ++object.present;
    if (matches[o] < 0) continue;
    const auto t = static_cast<std::size_t>(matches[o]);
    if (cost[o * frame.tracks.size() + t] >= -kEpsilon) continue;
    const int track = static_cast<int>(frame.tracks[t]);
    ++object.matched;
    ++sums.correct;
    sums.overlap_sum += frame.at(o, t);
    if (object.last_track >= 0 && object.last_track != track) ++sums.id_switches;
    if (object.track_before < 0) ++object.begun;
    object.last_track = track_now[frame.objects[o]] = track;
  }
  for (std::size_t i = 0; i < objects.size(); ++i) objects[i].track_before = track_now[i];
}

void sum_clear(const ScoredSequence& sequence, TrackSums& sums) {
  std::vector<Followed> objects(sequence.object_boxes.size());
  for (const auto& frame : sequence.frames) {
    if (!frame.objects.empty() && !frame.tracks.empty()) {
      match_frame(frame, objects, sums);
    } else {
      for (const auto place : frame.objects) ++objects[place].present;
    }
  }
  for (const auto& object : objects) {
    const double share = double(object.matched) / object.present;
    ++(share > 0.8 ? sums.mostly_tracked : share >= 0.2 ? sums.partly_tracked : sums.mostly_lost);
    sums.fragments += std::max(0, object.begun - 1);
  }
}

void sum_identities(const ScoredSequence& sequence, TrackSums& sums) {
  std::map<PlacePair, double> together;
  for (const auto& frame : sequence.frames) {
    for (std::size_t o = 0; o < frame.objects.size(); ++o) {
      for (std::size_t t = 0; t < frame.tracks.size(); ++t) {
        if (frame.at(o, t) >= kMatch) ++together[{frame.objects[o], frame.tracks[t]}];
      }
    }
  }
  std::vector<Pair> candidates;
  candidates.reserve(together.size());
  for (const auto& [pair, count] : together) {
    candidates.push_back({pair.first, pair.second, -count});
  }
  for (const auto& pair : best_pairs(std::move(candidates))) {
    sums.id_correct += std::llround(-pair.cost);
  }
}

double share(double part, double all) {
  return part / std::max(1.0, all);
}

double mean(const ByIou& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

}  // namespace

void TrackSums::add(const TrackSums& other) {
  const auto add_each = [](ByIou& to, const ByIou& from) {
    for (std::size_t i = 0; i < to.size(); ++i) to[i] += from[i];
  };
  labels += other.labels;
  label_tracks += other.label_tracks;
  boxes += other.boxes;
  tracks += other.tracks;
  add_each(pairs, other.pairs);
  add_each(ass_a, other.ass_a);
  add_each(ass_re, other.ass_re);
  add_each(ass_pr, other.ass_pr);
  add_each(loc, other.loc);
  correct += other.correct;
  id_switches += other.id_switches;
  fragments += other.fragments;
  mostly_tracked += other.mostly_tracked;
  partly_tracked += other.partly_tracked;
  mostly_lost += other.mostly_lost;
  overlap_sum += other.overlap_sum;
  id_correct += other.id_correct;
}

TrackScores TrackSums::scores(bool several) const {
  TrackScores s;
  s.labels = labels;
  s.label_tracks = label_tracks;
  s.boxes = boxes;
  s.tracks = tracks;

  const auto in_truth = static_cast<double>(labels), in_found = static_cast<double>(boxes);
  ByIou det_re{}, det_pr{}, re{}, pr{};
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    det_re[i] = share(pairs[i], in_truth);
    det_pr[i] = share(pairs[i], in_found);
    re[i] = share(ass_re[i], pairs[i]);
    pr[i] = share(ass_pr[i], pairs[i]);
    s.det_at[i] = share(pairs[i], in_truth + in_found - pairs[i]);
    s.ass_at[i] = share(ass_a[i], pairs[i]);
    s.loc_at[i] = std::max(1e-10, loc[i]) / std::max(1e-10, pairs[i]);
    s.hota_at[i] = std::sqrt(s.det_at[i] * s.ass_at[i]);
  }
  s.hota = mean(s.hota_at);
  s.det_a = mean(s.det_at);
  s.ass_a = mean(s.ass_at);
  s.loc_a = mean(s.loc_at);
  s.det_re = mean(det_re);
  s.det_pr = mean(det_pr);
  s.ass_re = mean(re);
  s.ass_pr = mean(pr);

  s.correct = correct;
  s.missed = labels - correct;
  s.wrong = boxes - correct;
  s.id_switches = id_switches;
  s.fragments = fragments;
  s.mostly_tracked = mostly_tracked;
  s.partly_tracked = partly_tracked;
  s.mostly_lost = mostly_lost;
  s.motp = share(overlap_sum, static_cast<double>(correct));
  if (several || labels > 0) {
    s.mota = share(static_cast<double>(correct - s.wrong - id_switches), in_truth);
  }

  s.id_correct = id_correct;
  s.id_missed = labels - id_correct;
  s.id_wrong = boxes - id_correct;
  s.id_recall = share(static_cast<double>(id_correct), in_truth);
  s.id_precision = share(static_cast<double>(id_correct), in_found);
  s.idf1 = share(static_cast<double>(id_correct), (in_truth + in_found) / 2);
  return s;
}

TrackSums sum_up(const TrackSequence& sequence) {
  const auto made = scored(sequence);
  const auto count = [](const std::vector<double>& boxes) {
    return static_cast<std::int64_t>(std::accumulate(boxes.begin(), boxes.end(), 0.0));
  };
  TrackSums sums;
  sums.labels = count(made.object_boxes);
  sums.boxes = count(made.track_boxes);
  sums.label_tracks = static_cast<std::int64_t>(made.object_boxes.size());
  sums.tracks = static_cast<std::int64_t>(made.track_boxes.size());
  sum_hota(made, sums);
  sum_clear(made, sums);
  sum_identities(made, sums);
  return sums;
}

}  // namespace osprey::evaluation
