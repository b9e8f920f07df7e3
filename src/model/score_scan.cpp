// SPDX-License-Identifier: Apache-2.0
#include "model/score_scan.hpp"

#include <limits>

namespace osprey::model {

namespace {

constexpr float kLowest = -std::numeric_limits<float>::infinity();

// `a` if it is greater, else `b`: written so that a NaN in `a` loses and one vector instruction
// does it.
float greater(float a, float b) {
  return a > b ? a : b;
}

// Each class is a row of locations. Four rows a turn: the running maxima would else be read and
// written once for each value.
void best_of_rows(const Scores& scores, std::size_t first, std::size_t count,
                  float* __restrict best) {
  std::fill_n(best, count, kLowest);
  const auto step = scores.class_step;
  const float* __restrict row = scores.data + first;
  std::size_t label = 0;
  for (; label + 4 <= scores.classes; label += 4, row += 4 * step) {
    for (std::size_t i = 0; i < count; ++i) {
      float highest = greater(row[i], best[i]);
      highest = greater(row[i + step], highest);
      highest = greater(row[i + 2 * step], highest);
      best[i] = greater(row[i + 3 * step], highest);
    }
  }
  for (; label < scores.classes; ++label, row += step) {
    for (std::size_t i = 0; i < count; ++i) best[i] = greater(row[i], best[i]);
  }
}

// Each location is a row of classes.
float best_of_row(const float* row, std::size_t classes) {
  constexpr std::size_t kWidth = 8;
  std::array<float, kWidth> lanes;
  lanes.fill(kLowest);
  std::size_t i = 0;
  for (; i + kWidth <= classes; i += kWidth) {
    for (std::size_t lane = 0; lane < kWidth; ++lane) {
      lanes[lane] = greater(row[i + lane], lanes[lane]);
    }
  }
  float best = kLowest;
  for (; i < classes; ++i) best = greater(row[i], best);
  for (const float lane : lanes) best = greater(lane, best);
  return best;
}

// Where a raw score's confidence could first exceed `conf`. The float sigmoid is off by up to an
// ulp, which weighs the more in logits the closer `conf` is to 1.
float logit_gate(float conf) {
  const double p = conf;
  const double logit = std::log(p / (1 - p));
  return static_cast<float>(logit - 1e-5 * std::abs(logit) - 1e-6 / (1 - p));
}

}  // namespace

void best_scores(const Scores& scores, std::size_t first, std::size_t count, float* best) {
  if (scores.location_step == 1) {
    best_of_rows(scores, first, count, best);
    return;
  }
  for (std::size_t i = 0; i < count; ++i) {
    const float* row = scores.data + (first + i) * scores.location_step;
    if (scores.class_step == 1) {
      best[i] = best_of_row(row, scores.classes);
    } else {
      best[i] = kLowest;
      for (std::size_t label = 0; label < scores.classes; ++label) {
        best[i] = greater(row[label * scores.class_step], best[i]);
      }
    }
  }
}

ScoreRule::ScoreRule(const DecodeOptions& options, int classes, bool logits)
    : conf_(options.conf), logits_(logits), multi_label_(options.multi_label) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  if (!logits) {
    gate_ = conf_;
  } else {
    gate_ = conf_ <= 0 ? -kInfinity : conf_ >= 1 ? kInfinity : logit_gate(conf_);
  }
  if (!options.classes.empty()) {
    wanted_.assign(static_cast<std::size_t>(classes), 0);
    for (const int label : options.classes) wanted_[static_cast<std::size_t>(label)] = 1;
  }
}

}  // namespace osprey::model
