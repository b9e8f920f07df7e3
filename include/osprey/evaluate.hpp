// SPDX-License-Identifier: Apache-2.0
// How good detections are: COCO's numbers, counts, curves, and what kinds of errors there are.
#pragma once

#include <osprey/export.hpp>
#include <osprey/result.hpp>

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace osprey {

/// When a detection finds a label of its class, where it is counted.
enum class MatchRule {
  kIou,  ///< intersection over union of at least the limit
  kL2,   ///< differences of left, top, right and bottom, as one length, below the limit in pixels
};

struct EvaluationOptions {
  /// COCO's instances.json; a YOLO data.yaml, or its folder; a folder of Pascal VOC's XML files.
  std::string data;
  std::string split = "val";  ///< of a data.yaml: val, test, train
  /// COCO results: a list of {image_id, category_id, bbox: [x, y, width, height], score}.
  std::string detections;
  /// Where counts and the confusion matrix begin; below 0: where F1 is highest.
  double conf = -1;
  MatchRule rule = MatchRule::kIou;  ///< of the counts
  double limit = 0.5;                ///< IoU 0..1, or pixels
  bool only_coco = false;            ///< nothing but `coco` and `ap_at_iou`
  int threads = 0;                   ///< 0: every core
};

struct Evaluation {
  std::string data, detections_file;  ///< as they were named
  std::int64_t pictures = 0, labels = 0, detections = 0;

  /// What pycocotools prints, within 1e-12; -1 where nothing counts.
  struct Coco {
    double ap = -1, ap50 = -1, ap75 = -1, ap_small = -1, ap_medium = -1, ap_large = -1;
    double ar_1 = -1, ar_10 = -1, ar_100 = -1, ar_small = -1, ar_medium = -1, ar_large = -1;
  } coco;
  /// AP at IoU 0.50, 0.55 .. 0.95: "map85" is [7], "map95" is [9].
  std::array<double, 10> ap_at_iou{};

  /// At a threshold of the score, IoU 0.50, by COCO's matching.
  struct Operation {
    double score = 0, precision = 0, recall = 0, f1 = 0;
  };
  Operation best;                ///< where F1 of all classes together is highest
  std::vector<Operation> curve;  ///< 101 scores from 0 to 1

  struct Class {
    std::int64_t id = 0;
    std::string name;
    std::int64_t labels = 0, detections = 0;
    double ap = -1, ap50 = -1, ap75 = -1;          ///< -1: no labels
    std::array<double, 3> ap_by_size{-1, -1, -1};  ///< small, medium, large
    Operation best;                                ///< of its own
    std::array<double, 101> precision{};           ///< at recall 0.00, 0.01 .. 1.00, IoU 0.50
  };
  std::vector<Class> classes;  ///< by id

  /// From `score` on, by the rule asked for.
  struct Counts {
    double score = 0;
    std::int64_t total = 0;  ///< labels, but crowds
    std::int64_t correct = 0, wrong = 0, missed = 0;
  } counts;

  /// [found * (classes + 1) + label]: how often a class was taken for which at IoU 0.50, from
  /// `counts.score` on. Last row: labels not found; last column: detections of nothing.
  std::vector<std::int64_t> confusion;

  /// TIDE's kinds of errors and by how much AP at IoU 0.50 would rise without them.
  struct ErrorKind {
    std::string name;  ///< classification, localisation, both, duplicate, background, missed
    std::int64_t count = 0;
    double cost = 0;
  };
  std::vector<ErrorKind> errors;
  double wrong_cost = 0, missed_cost = 0;  ///< without any wrong detection; any missed label

  struct Picture {
    std::string file_name;
    int width = 0, height = 0;  ///< 0: not known
    std::int64_t id = 0, labels = 0, correct = 0, wrong = 0, missed = 0;
    /// What was found and what was missed, in pixels.
    struct Mark {
      enum class Kind { kCorrect, kWrong, kMissed } kind = Kind::kCorrect;
      std::size_t category = 0;  ///< place in `classes`
      double x = 0, y = 0, width = 0, height = 0;
      double score = 0;  ///< 0 for what was missed
    };
    std::vector<Mark> marks;  ///< of the first 12 only
  };
  std::vector<Picture> worst;  ///< most wrong and missed first; at most 100

  /// How fast the model was; fps 0 where no model ran.
  struct Speed {
    std::string model, device;
    double fps = 0, latency_p50_ms = 0, latency_p95_ms = 0;
    double memory_mb = 0;  ///< most of the process
  } speed;

  std::vector<std::string> warnings;  ///< what was odd, how often, and where first
};

/// Errors name the file, the entry and the field. Cost: half a second for 500,000 detections in
/// 5,000 pictures; memory: about 150 bytes a detection.
OSPREY_API Result<Evaluation> evaluate(const EvaluationOptions& options);

struct ComparisonOptions {
  int samples = 1000;        ///< of the bootstrap, 1..1000000
  double confidence = 0.95;  ///< of intervals, 0..1
  std::uint64_t seed = 1;    ///< the same seed, the same intervals
  /// Called now and then with the share that is done, 0..1, from any thread; false stops.
  std::function<bool(double)> progress;
};

/// Results of several on the same labels.
struct Comparison {
  std::vector<Evaluation> evaluations;  ///< in the order in which they were given
  /// Of each to the first, in AP; the first's is 0.
  struct Difference {
    double ap = 0, lowest = 0, highest = 0;
    std::string verdict;  ///< "no difference shown: ...", "b.json better by 0.012 [0.004, 0.021]"
  };
  std::vector<Difference> differences;
};

/// Evaluates each of `detections` as `options` say, and tells by a paired bootstrap over pictures
/// whether they differ. Errors: as evaluate(); kCancelled if `progress` stopped it.
OSPREY_API Result<Comparison> compare(const EvaluationOptions& options,
                                      const std::vector<std::string>& detections,
                                      const ComparisonOptions& comparison = {});

/// A page that needs nothing else: curves, confusion matrix, kinds of errors, classes, and the
/// worst pictures. `picture` gives one's "data:image/jpeg;base64,..." by file name, or nothing; may
/// be null.
OSPREY_API std::string to_html(const Comparison& comparison,
                               const std::function<std::string(const std::string&)>& picture);
/// A table for people.
OSPREY_API std::string to_text(const Evaluation& evaluation);
OSPREY_API std::string to_text(const Comparison& comparison);
/// Everything, for programs; keys are the names above.
OSPREY_API std::string to_json(const Evaluation& evaluation);
OSPREY_API std::string to_json(const Comparison& comparison);

}  // namespace osprey
