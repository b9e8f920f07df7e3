// SPDX-License-Identifier: Apache-2.0
// INT8 maps as an NPU leaves them: read in place, compared before anything becomes a float.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "core/tensor.hpp"
#include "model/score_scan.hpp"

namespace osprey::model {

/// A view's steps, by channel and cell. Borrows.
class StepMap {
 public:
  /// `view.steps` is not null, its scale is above 0 and its shape [1, C, H, W].
  explicit StepMap(const TensorView& view)
      : steps_(view.steps),
        channels_(static_cast<std::size_t>(view.shape[1])),
        cells_(static_cast<std::size_t>(view.shape[2] * view.shape[3])),
        block_(static_cast<std::size_t>(view.block)) {
    for (int i = 0; i < 256; ++i) {
      values_[static_cast<std::size_t>(i)] =
          static_cast<float>(i - 128 - view.zero_point) * view.scale;
    }
  }

  std::size_t channels() const { return channels_; }
  std::size_t cells() const { return cells_; }

  float value(std::int8_t step) const {
    const int place = step + 128;
    return values_[static_cast<std::size_t>(place)];
  }
  float at(std::size_t channel, std::size_t cell) const {
    return value(steps_[(channel / block_ * cells_ + cell) * block_ + channel % block_]);
  }

  /// The highest step of the cell's channels.
  std::int8_t highest(std::size_t cell) const {
    constexpr std::size_t kWidth = 16;  // what the RK3588 has, and one vector register holds
    std::int8_t best = -128;
    std::array<std::int8_t, kWidth> lanes;
    lanes.fill(-128);
    for (std::size_t channel = 0; channel < channels_; channel += block_) {
      const auto* at = steps_ + (channel / block_ * cells_ + cell) * block_;
      if (block_ == kWidth && channel + kWidth <= channels_) {
        for (std::size_t i = 0; i < kWidth; ++i) lanes[i] = std::max(lanes[i], at[i]);
        continue;
      }
      const auto count = std::min(block_, channels_ - channel);
      for (std::size_t i = 0; i < count; ++i) best = std::max(best, at[i]);
    }
    return std::max(best, *std::max_element(lanes.begin(), lanes.end()));
  }

  /// The highest step whose value is not above `gate`; below all steps if every value is.
  int gate(float gate) const {
    const auto above = std::upper_bound(values_.begin(), values_.end(), gate, std::less<float>()) -
                       values_.begin();
    return static_cast<int>(above) - 129;
  }

 private:
  const std::int8_t* steps_;
  std::size_t channels_, cells_, block_;
  std::array<float, 256> values_;  // by step, rising
};

/// As collect(), of scores that are a map's channels. Cost: a byte a score; floats for candidates.
template <typename BoxAt>
void collect_steps(const StepMap& map, const ScoreRule& rule, const BoxAt& box_at,
                   std::vector<Detection>& out) {
  const int gate = map.gate(rule.gate());
  std::vector<float> row;
  Scores scores;
  scores.count = map.cells();
  scores.classes = map.channels();
  scores.class_step = 1;  // and none from cell to cell: `row` is the present one's
  for (std::size_t cell = 0; cell < map.cells(); ++cell) {
    if (map.highest(cell) <= gate) continue;
    row.resize(map.channels());
    for (std::size_t i = 0; i < row.size(); ++i) row[i] = map.at(i, cell);
    scores.data = row.data();
    collect_at(scores, cell, rule, box_at, out);
  }
}

}  // namespace osprey::model
