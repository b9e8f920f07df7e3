// SPDX-License-Identifier: Apache-2.0
#include "quantize/statistics.hpp"

#include <algorithm>
#include <limits>
#include <numeric>

namespace osprey::quantize {

namespace {

/// The sum of what `of` makes of each value.
template <typename Of>
double sum_of(std::span<const float> values, Of of) {
  constexpr std::size_t kLanes = 8;  // compilers make vectors of it
  float lanes[kLanes] = {};
  double sum = 0;
  std::size_t i = 0;
  constexpr std::size_t kPart = 4096;  // short enough for sums of float32
  while (i + kLanes <= values.size()) {
    const std::size_t end = std::min(values.size() / kLanes * kLanes, i + kPart);
    std::fill_n(lanes, kLanes, 0.f);
    for (; i < end; i += kLanes) {
      for (std::size_t k = 0; k < kLanes; ++k) lanes[k] += of(values[i + k]);
    }
    sum = std::accumulate(lanes, lanes + kLanes, sum);
  }
  for (; i < values.size(); ++i) sum += static_cast<double>(of(values[i]));
  return sum;
}

std::int64_t axis_of(const onnx::Node& node) {
  const auto found = node.attributes.find("axis");
  const auto* axis =
      found == node.attributes.end() ? nullptr : std::get_if<std::int64_t>(&found->second);
  return axis == nullptr ? 0 : *axis;
}

}  // namespace

/// Calls `add` with each channel's number and values.
template <typename Add>
void TensorStatistics::by_channel(const TensorView& tensor, Add add) {
  if (tensor.shape.size() != 4) has_channels_ = false;
  if (!has_channels_) return;
  const std::span values(tensor.data, tensor.size());
  const auto channels = static_cast<std::size_t>(tensor.shape[1]);
  const auto plane = static_cast<std::size_t>(tensor.shape[2] * tensor.shape[3]);
  sums_.resize(channels, 0);
  for (std::size_t at = 0; at < values.size(); at += plane) {
    add(at / plane % channels, values.subspan(at, plane));
  }
  per_channel_ += static_cast<double>(values.size()) / static_cast<double>(channels);
}

void TensorStatistics::add(const TensorView& tensor, bool with_ranges) {
  histogram_.add({tensor.data, tensor.size()});
  by_channel(tensor, [&](std::size_t channel, std::span<const float> values) {
    sums_[channel] += sum_of(values, [](float v) { return v; });
    if (!with_ranges) return;
    lows_.resize(sums_.size(), std::numeric_limits<float>::max());
    highs_.resize(sums_.size(), std::numeric_limits<float>::lowest());
    float low = lows_[channel], high = highs_[channel];
    for (const float v : values) {  // compilers make vectors of it
      low = v < low ? v : low;
      high = v > high ? v : high;
    }
    lows_[channel] = low;
    highs_[channel] = high;
  });
}

void TensorStatistics::add_rounding(const TensorView& tensor, const Scale& scale) {
  const float low = -static_cast<float>(scale.zero_point), high = 255 + low;
  by_channel(tensor, [&](std::size_t channel, std::span<const float> values) {
    const float step = scale.channels.empty() ? scale.scale : scale.channels[channel];
    const float per_step = 1 / step;
    sums_[channel] += sum_of(values, [=](float value) {
      // Clamped first: beyond 2^22 adding and taking away kRound would not round.
      constexpr float kRound = 12582912;  // 1.5 * 2^23: sums have no fractions
      const float at = std::clamp(value * per_step, low, high);
      return ((at + kRound) - kRound) * step - value;
    });
  });
}

void TensorStatistics::merge(const TensorStatistics& other) {
  histogram_.merge(other.histogram_);
  has_channels_ = has_channels_ && other.has_channels_;
  if (lows_.empty()) {
    lows_ = other.lows_;
    highs_ = other.highs_;
  }
  for (std::size_t i = 0; i < std::min(lows_.size(), other.lows_.size()); ++i) {
    lows_[i] = std::min(lows_[i], other.lows_[i]);
    highs_[i] = std::max(highs_[i], other.highs_[i]);
  }
  sums_.resize(std::max(sums_.size(), other.sums_.size()), 0);
  for (std::size_t i = 0; i < other.sums_.size(); ++i) sums_[i] += other.sums_[i];
  per_channel_ += other.per_channel_;
}

std::vector<float> TensorStatistics::channel_means() const {
  std::vector<float> means;
  if (!has_channels_ || per_channel_ == 0) return means;
  for (const double sum : sums_) means.push_back(static_cast<float>(sum / per_channel_));
  return means;
}

void follow_means(const onnx::Model& model, std::map<std::string, std::vector<float>>& means) {
  const auto shapes = model.infer_shapes(1);
  for (const auto& node : model.nodes()) {
    const bool joins = node.op == "Concat" && axis_of(node) == 1;
    const bool splits = node.op == "Split" && axis_of(node) == 1;
    const bool keeps = node.op == "Resize" || node.op == "Identity";
    if (!joins && !splits && !keeps) continue;
    std::vector<float> all;
    const std::size_t read = joins ? node.inputs.size() : 1;
    const bool known =
        node.inputs.size() >= read &&
        std::all_of(node.inputs.begin(), node.inputs.begin() + static_cast<std::ptrdiff_t>(read),
                    [&](const auto& name) { return means.contains(name); });
    if (!known) continue;
    for (std::size_t i = 0; i < read; ++i) {
      const auto& part = means.at(node.inputs[i]);
      all.insert(all.end(), part.begin(), part.end());
    }
    if (!splits) {
      means.try_emplace(node.outputs.front(), std::move(all));
      continue;
    }
    std::size_t at = 0;
    for (const auto& output : node.outputs) {
      const auto shape = shapes.find(output);
      if (shape == shapes.end() || shape->second.size() < 2 || shape->second[1] < 0) break;
      const auto count = static_cast<std::size_t>(shape->second[1]);
      if (at + count > all.size()) break;
      const auto begin = all.begin() + static_cast<std::ptrdiff_t>(at);
      means.try_emplace(output, begin, begin + static_cast<std::ptrdiff_t>(count));
      at += count;
    }
  }
}

}  // namespace osprey::quantize
