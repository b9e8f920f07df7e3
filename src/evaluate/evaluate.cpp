// SPDX-License-Identifier: Apache-2.0
#include <osprey/evaluate.hpp>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <thread>

#include "base/try.hpp"
#include "evaluate/bootstrap.hpp"
#include "evaluate/coco_match.hpp"
#include "evaluate/coco_metrics.hpp"
#include "evaluate/counts.hpp"
#include "evaluate/curves.hpp"
#include "evaluate/error_kinds.hpp"
#include "evaluate/read_coco.hpp"
#include "evaluate/read_labels.hpp"

namespace osprey {

namespace {

using namespace evaluation;

constexpr std::size_t kWorst = 100, kMarked = 12;

int thread_count(const EvaluationOptions& options) {
  return options.threads > 0 ? options.threads
                             : static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
}

Evaluation::Operation operation(const Point& point) {
  return {point.score, point.precision(), point.recall(), point.f1()};
}

/// One file of detections, matched.
struct Matched {
  Detections found;
  std::vector<CategoryMatches> matches;
};

Evaluation::Coco coco_numbers(const CocoArrays& arrays) {
  const auto s = summary(arrays);
  return {s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7], s[8], s[9], s[10], s[11]};
}

std::vector<Evaluation::Class> class_results(const GroundTruth& truth, const Matched& matched,
                                             const CocoArrays& arrays) {
  std::vector<Evaluation::Class> classes(truth.categories.size());
  for (std::size_t c = 0; c < classes.size(); ++c) {
    auto& made = classes[c];
    const int category = static_cast<int>(c);
    made.id = truth.categories[c].id;
    made.name = truth.categories[c].name;
    made.labels = matched.matches[c].labels[0];
    made.ap = average_precision(arrays, -1, 0, category);
    made.ap50 = average_precision(arrays, 0, 0, category);
    made.ap75 = average_precision(arrays, 5, 0, category);
    for (std::size_t area = 1; area < kAreas; ++area) {
      made.ap_by_size[area - 1] = average_precision(arrays, -1, area, category);
    }
    made.best = operation(best_f1(score_curve(matched.matches, matched.found, category)));
    for (std::size_t r = 0; r < kRecalls; ++r) {
      made.precision[r] = arrays.precision[arrays.precision_at(0, r, c, 0)];
    }
  }
  for (const auto& found : matched.found) {
    ++classes[static_cast<std::size_t>(found.category)].detections;
  }
  return classes;
}

/// Fills in what is drawn of the first pictures of `worst`, whose places are `places`.
void add_marks(const GroundTruth& truth, const Detections& found, const Counts& counts,
               const std::vector<std::size_t>& places, Evaluation& made) {
  using Mark = Evaluation::Picture::Mark;
  std::vector<int> rank(truth.pictures.size(), -1);
  for (std::size_t i = 0; i < std::min(kMarked, places.size()); ++i) {
    rank[places[i]] = static_cast<int>(i);
  }
  const auto add = [&](std::int32_t picture, std::int32_t category, Mark::Kind kind, const Box& box,
                       double score) {
    const int at = rank[static_cast<std::size_t>(picture)];
    if (at < 0) return;
    made.worst[static_cast<std::size_t>(at)].marks.push_back(
        {kind, static_cast<std::size_t>(category), box.x, box.y, box.width, box.height, score});
  };
  for (std::size_t i = 0; i < truth.labels.size(); ++i) {
    const auto& label = truth.labels[i];
    if (counts.found_labels[i] || !label.counts()) continue;
    add(label.picture, label.category, Mark::Kind::kMissed, label.box, 0);
  }
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (counts.detections[i] == Outcome::kNone) continue;
    const bool correct = counts.detections[i] == Outcome::kCorrect;
    add(found[i].picture, found[i].category, correct ? Mark::Kind::kCorrect : Mark::Kind::kWrong,
        found[i].box, found[i].score);
  }
}

void add_counts(const GroundTruth& truth, const Matched& matched, const EvaluationOptions& options,
                Evaluation& made) {
  const double score = options.conf >= 0 ? options.conf : made.best.score;
  const Rule rule = {options.rule == MatchRule::kL2 ? Rule::Kind::kL2 : Rule::Kind::kIou,
                     options.limit};
  const auto counts = count(truth, matched.found, score, rule);
  made.counts = {score, counts.all.labels, counts.all.correct, counts.all.wrong,
                 counts.all.missed()};
  std::vector<std::size_t> places;
  const auto errors = [&](std::size_t i) {
    return counts.pictures[i].wrong + counts.pictures[i].missed();
  };
  for (std::size_t i = 0; i < counts.pictures.size(); ++i) {
    if (errors(i) > 0) places.push_back(i);
  }
  std::stable_sort(places.begin(), places.end(),
                   [&](std::size_t a, std::size_t b) { return errors(a) > errors(b); });
  if (places.size() > kWorst) places.resize(kWorst);
  for (const auto i : places) {
    const auto& picture = truth.pictures[i];
    const auto& own = counts.pictures[i];
    made.worst.push_back({picture.file_name,
                          picture.width,
                          picture.height,
                          picture.id,
                          own.labels,
                          own.correct,
                          own.wrong,
                          own.missed(),
                          {}});
  }
  add_marks(truth, matched.found, counts, places, made);
  made.confusion = confusion(truth, matched.found, score, 0.5).numbers;
}

void add_errors(const ErrorKinds& errors, Evaluation& made) {
  for (std::size_t i = 0; i < kErrorKinds; ++i) {
    made.errors.push_back(
        {to_string(static_cast<ErrorKind>(i)), errors.kinds[i].count, errors.kinds[i].cost});
  }
  made.wrong_cost = errors.wrong_cost;
  made.missed_cost = errors.missed_cost;
}

std::vector<std::string> words(const Warnings& warnings) {
  std::vector<std::string> all;
  for (const auto& warning : warnings.list()) {
    all.push_back(std::to_string(warning.count) + " " + warning.what + " (first: " + warning.first +
                  ")");
  }
  return all;
}

Evaluation judge(const GroundTruth& truth, const Matched& matched,
                 const EvaluationOptions& options) {
  const int threads = thread_count(options);
  const auto arrays = accumulate(matched.matches, threads);
  Evaluation made;
  made.data = options.data;
  made.detections_file = options.detections;
  made.pictures = static_cast<std::int64_t>(truth.pictures.size());
  made.labels = static_cast<std::int64_t>(truth.labels.size());
  made.detections = static_cast<std::int64_t>(matched.found.size());
  made.coco = coco_numbers(arrays);
  for (std::size_t t = 0; t < kThresholds; ++t) {
    made.ap_at_iou[t] = average_precision(arrays, static_cast<int>(t), 0);
  }
  if (options.only_coco) return made;
  const auto curve = score_curve(matched.matches, matched.found);
  made.best = operation(best_f1(curve));
  std::int64_t labels = 0;
  for (const auto& category : matched.matches) labels += category.labels[0];
  for (int i = 0; i <= 100; ++i) {
    auto at = operation(at_score(curve, i / 100., labels));
    at.score = i / 100.;
    made.curve.push_back(at);
  }
  made.classes = class_results(truth, matched, arrays);
  add_counts(truth, matched, options, made);
  add_errors(error_kinds(truth, matched.found, matched.matches, threads), made);
  return made;
}

Status check(const EvaluationOptions& options) {
  const auto wrong = [](const std::string& what) {
    return Error{ErrorCode::kInvalidArgument, what};
  };
  if (options.data.empty()) return wrong("data: expected a file or folder of labels");
  if (options.conf > 1) return wrong("conf: expected 0..1, or below 0 for the best");
  if (!(options.limit > 0) || (options.rule == MatchRule::kIou && options.limit > 1)) {
    return wrong("limit: expected above 0, of IoU at most 1");
  }
  if (options.threads < 0) return wrong("threads: expected 0 or more");
  return {};
}

Result<Matched> read_and_match(const GroundTruth& truth, const EvaluationOptions& options,
                               Warnings& warnings) {
  const int threads = thread_count(options);
  Matched matched;
  matched.found = OSPREY_TRY(read_coco_detections(options.detections, truth, threads, warnings));
  matched.matches = match(truth, matched.found, threads);
  return matched;
}

}  // namespace

Result<Evaluation> evaluate(const EvaluationOptions& options) {
  auto compared = OSPREY_TRY(compare(options, {options.detections}));
  return std::move(compared.evaluations.front());
}

Result<Comparison> compare(const EvaluationOptions& options,
                           const std::vector<std::string>& detections,
                           const ComparisonOptions& comparison) {
  OSPREY_TRY(check(options));
  if (detections.empty()) {
    return Error{ErrorCode::kInvalidArgument, "detections: expected at least one file"};
  }
  Warnings of_labels;
  const auto truth = OSPREY_TRY(read_labels(options.data, options.split, of_labels));
  Comparison made;
  std::vector<Matched> all;
  for (const auto& file : detections) {
    auto own = options;
    own.detections = file;
    auto warnings = of_labels;
    all.push_back(OSPREY_TRY(read_and_match(truth, own, warnings)));
    made.evaluations.push_back(judge(truth, all.back(), own));
    made.evaluations.back().warnings = words(warnings);
  }
  made.differences.resize(detections.size());
  if (detections.size() == 1) return made;

  std::vector<const Detections*> found;
  std::vector<const std::vector<CategoryMatches>*> matches;
  for (const auto& each : all) {
    found.push_back(&each.found);
    matches.push_back(&each.matches);
  }
  BootstrapOptions bootstrap;
  bootstrap.samples = comparison.samples;
  bootstrap.confidence = comparison.confidence;
  bootstrap.seed = comparison.seed;
  bootstrap.threads = thread_count(options);
  if (comparison.progress) {
    bootstrap.progress = [&](int done) {
      return comparison.progress(done / static_cast<double>(comparison.samples));
    };
  }
  const auto differences = evaluation::compare(truth, found, matches, bootstrap);
  if (differences.empty()) return Error{ErrorCode::kCancelled, "the comparison was stopped"};
  const auto name = [&](std::size_t i) {
    return std::filesystem::path(detections[i]).filename().string();
  };
  for (std::size_t i = 1; i < differences.size(); ++i) {
    made.differences[i] = {differences[i].value, differences[i].lowest, differences[i].highest,
                           verdict(differences[i], name(0), name(i))};
  }
  return made;
}

}  // namespace osprey
