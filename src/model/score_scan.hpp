// SPDX-License-Identifier: Apache-2.0
// The loop every decoder shares: which locations score enough, and for which classes.
#pragma once

#include <osprey/detection.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <optional>
#include <vector>

#include "model/decoder.hpp"

namespace osprey::model {

inline float sigmoid(float x) {
  return 1.0f / (1.0f + std::exp(-x));
}

/// Class scores of `count` locations inside a tensor; steps are in floats, one of them is 1 where
/// the scan is to be fast.
struct Scores {
  const float* data = nullptr;
  std::size_t count = 0;
  std::size_t classes = 0;
  std::size_t location_step = 0;
  std::size_t class_step = 0;
  const float* objectness = nullptr;  ///< null: none. Steps by location_step; confidence is
                                      ///< objectness times class score.

  float at(std::size_t location, std::size_t label) const {
    return data[location * location_step + label * class_step];
  }
};

/// Writes each location's highest score to best[0..count), for locations from `first` on. NaN
/// counts as minus infinity. Cost: memory bandwidth.
void best_scores(const Scores& scores, std::size_t first, std::size_t count, float* best);

/// What makes a score a candidate.
class ScoreRule {
 public:
  /// `options` as Decoder::create() accepts them.
  ScoreRule(const DecodeOptions& options, int classes, bool logits);

  /// A raw score at or below this cannot make a candidate; one above may. Lets the scan go without
  /// sigmoids.
  float gate() const { return gate_; }
  float conf() const { return conf_; }
  bool multi_label() const { return multi_label_; }
  bool wants(std::size_t label) const { return wanted_.empty() || wanted_[label] != 0; }

  /// A finite raw score as a confidence of 0..1.
  float confidence(float raw) const { return logits_ ? sigmoid(raw) : std::min(raw, 1.0f); }

 private:
  float conf_ = 0;
  float gate_ = 0;
  bool logits_ = false;
  bool multi_label_ = false;
  std::vector<char> wanted_;  // by label; empty: all
};

inline bool is_finite(const Box& box) {
  return std::isfinite(box.x1) && std::isfinite(box.y1) && std::isfinite(box.x2) &&
         std::isfinite(box.y2);
}

inline Box box_around(float cx, float cy, float width, float height) {
  return {cx - width / 2, cy - height / 2, cx + width / 2, cy + height / 2};
}

/// Appends the candidates of one location.
template <typename BoxAt>
void collect_at(const Scores& scores, std::size_t location, const ScoreRule& rule,
                const BoxAt& box_at, std::vector<Detection>& out) {
  float objectness = 1;
  if (scores.objectness != nullptr) {
    const float raw = scores.objectness[location * scores.location_step];
    if (!std::isfinite(raw)) return;
    objectness = rule.confidence(raw);
  }
  if (!rule.multi_label()) {
    std::size_t label = scores.classes;
    float best = rule.gate();
    for (std::size_t i = 0; i < scores.classes; ++i) {
      const float raw = scores.at(location, i);
      if (raw > best && std::isfinite(raw)) {
        best = raw;
        label = i;
      }
    }
    if (label == scores.classes || !rule.wants(label)) return;
    const float confidence = objectness * rule.confidence(best);
    if (!(confidence > rule.conf())) return;
    const Box box = box_at(location);
    if (is_finite(box)) out.push_back({box, confidence, static_cast<std::int32_t>(label)});
    return;
  }
  std::optional<Box> box;
  for (std::size_t i = 0; i < scores.classes; ++i) {
    const float raw = scores.at(location, i);
    if (!(raw > rule.gate()) || !std::isfinite(raw) || !rule.wants(i)) continue;
    const float confidence = objectness * rule.confidence(raw);
    if (!(confidence > rule.conf())) continue;
    if (!box) {
      box = box_at(location);
      if (!is_finite(*box)) return;
    }
    out.push_back({*box, confidence, static_cast<std::int32_t>(i)});
  }
}

/// Appends the candidates of all locations; `box_at(location)` is asked for those alone.
template <typename BoxAt>
void collect(const Scores& scores, const ScoreRule& rule, const BoxAt& box_at,
             std::vector<Detection>& out) {
  // Enough for the vector loop to run long, little enough for a block's scores to stay in cache
  // until its candidates have been looked at.
  constexpr std::size_t kBlock = 1024;
  std::array<float, kBlock> best;
  for (std::size_t first = 0; first < scores.count; first += kBlock) {
    const auto count = std::min(kBlock, scores.count - first);
    if (scores.objectness != nullptr) {
      for (std::size_t i = 0; i < count; ++i) {
        best[i] = scores.objectness[(first + i) * scores.location_step];
      }
    } else {
      best_scores(scores, first, count, best.data());
    }
    for (std::size_t i = 0; i < count; ++i) {
      if (best[i] > rule.gate()) collect_at(scores, first + i, rule, box_at, out);
    }
  }
}

}  // namespace osprey::model
