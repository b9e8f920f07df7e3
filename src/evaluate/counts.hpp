// SPDX-License-Identifier: Apache-2.0
// What is found from one score on: correct, wrong and missed, and which class is taken for which.
#pragma once

#include <cstdint>
#include <vector>

#include "evaluate/dataset.hpp"

namespace osprey::evaluation {

/// When a detection finds a label.
struct Rule {
  enum class Kind : std::uint8_t {
    kIou,  ///< intersection over union of at least `limit`
    kL2,   ///< the differences of left, top, right and bottom, as one length, are below `limit`
           ///< pixels
  };
  Kind kind = Kind::kIou;
  double limit = 0.5;
};

struct PictureCounts {
  std::int64_t labels = 0;  ///< without crowds
  std::int64_t correct =
      0;  ///< detections that find a label of their class; each label is found once
  std::int64_t wrong = 0;  ///< other detections, but those on a crowd of their class
  std::int64_t missed() const { return labels - correct; }
};

enum class Outcome : std::uint8_t { kNone, kCorrect, kWrong };  ///< kNone: does not count

struct Counts {
  PictureCounts all;
  std::vector<PictureCounts> pictures;  ///< by place
  std::vector<Outcome> detections;      ///< of each in Detections
  std::vector<bool> found_labels;       ///< of each in GroundTruth
};

/// Of detections of `score` and above; the highest first chooses the best label that is left.
Counts count(const GroundTruth& truth, const Detections& found, double score, const Rule& rule);

/// numbers[found * (categories + 1) + label]: how often a class was taken for which. The last row
/// is what was not found, the last column what is on nothing (background). Crowds are left out.
struct Confusion {
  std::size_t categories = 0;
  std::vector<std::int64_t> numbers;
  std::int64_t at(std::size_t found, std::size_t label) const {
    return numbers[found * (categories + 1) + label];
  }
};

/// Detections of `score` and above and labels of any class are paired where their IoU is at least
/// `limit`, the highest IoU first, each once.
Confusion confusion(const GroundTruth& truth, const Detections& found, double score, double limit);

}  // namespace osprey::evaluation
