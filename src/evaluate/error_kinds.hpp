// SPDX-License-Identifier: Apache-2.0
// Why detections are wrong, and what each kind of error costs: TIDE (Bolya et al., 2020).
#pragma once

#include <array>
#include <string>
#include <vector>

#include "evaluate/coco_match.hpp"

namespace osprey::evaluation {

enum class ErrorKind : std::uint8_t {
  kClassification,  ///< right place, wrong class: IoU >= 0.5 with a label of another class
  kLocalisation,    ///< right class, place not right enough: 0.1 <= IoU <= 0.5
  kBoth,            ///< wrong class and place not right enough
  kDuplicate,       ///< the label has a better detection
  kBackground,      ///< nothing is there: IoU < 0.1 with every label
  kMissed,  ///< a label that no detection finds, nor one of the first two kinds nearly finds
};
constexpr std::size_t kErrorKinds = 6;

/// "classification", "localisation", ...
std::string to_string(ErrorKind kind);

struct ErrorKinds {
  struct Kind {
    std::int64_t count = 0;
    double cost = 0;  ///< by how much AP at IoU 0.50 would rise without errors of the kind
  };
  std::array<Kind, kErrorKinds> kinds;
  double average_precision = 0;            ///< at IoU 0.50, over categories that have labels
  double wrong_cost = 0, missed_cost = 0;  ///< without any wrong detection; any missed label
};

/// Errors of each of the best 100 detections a picture and category, whatever their score. Spreads
/// over `threads`.
ErrorKinds error_kinds(const GroundTruth& truth, const Detections& found,
                       const std::vector<CategoryMatches>& matches, int threads);

}  // namespace osprey::evaluation
