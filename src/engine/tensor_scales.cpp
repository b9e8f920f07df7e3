// SPDX-License-Identifier: Apache-2.0
#include "engine/tensor_scales.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>

#include "base/try.hpp"

namespace osprey::engine {

namespace {

/// Scores before sigmoid that are lower all mean "nothing": 0.0003.
constexpr double kLeastLogit = -8;

/// What is known of a group of tensors beyond the values seen.
struct Role {
  bool pixels = false, output = false, score = false;
};

std::vector<Role> roles_of(const quantize::Plan& plan, const FloatNetwork& floats) {
  const auto outputs = floats.network.outputs();
  const auto input = floats.network.inputs().front().name;
  std::vector<Role> roles(plan.groups);
  for (const auto& point : plan.points) {
    auto& role = roles[point.group];
    role.pixels = role.pixels || point.tensor == input;
    for (const auto& output : outputs) role.output = role.output || output.name == point.tensor;
    for (const auto& split : floats.spec.head.splits) {
      const auto& score = outputs[static_cast<std::size_t>(split.score_output)].name;
      if (floats.spec.head.scores_are_logits && score == point.tensor) role.score = true;
    }
  }
  return roles;
}

std::map<std::string, std::vector<float>> means_of(const onnx::Model& network,
                                                   const Statistics& seen) {
  std::map<std::string, std::vector<float>> means;
  for (const auto& [name, statistics] : seen) {
    if (auto of_channels = statistics.channel_means(); !of_channels.empty()) {
      means[name] = std::move(of_channels);
    }
  }
  quantize::follow_means(network, means);
  return means;
}

}  // namespace

std::vector<quantize::Scale> scales_of(const quantize::Plan& plan, const FloatNetwork& floats,
                                       const Statistics& seen, const QuantisationOptions& options) {
  std::vector<quantize::Histogram> together(plan.groups);
  for (const auto& point : plan.points) {
    together[point.group].merge(seen.at(point.tensor).histogram());
  }
  const auto roles = roles_of(plan, floats);
  std::map<std::size_t, const quantize::TensorStatistics*> by_channel;  // of a group
  for (const auto& point : plan.points) {
    const auto& statistics = seen.at(point.tensor);
    if (point.by_channel && !statistics.channel_lows().empty()) {
      by_channel[point.group] = &statistics;
    }
  }
  std::vector<quantize::Scale> scales;
  for (std::size_t i = 0; i < plan.groups; ++i) {
    if (const auto found = by_channel.find(i); found != by_channel.end() && !roles[i].pixels) {
      const auto& [lows, highs] =
          std::tie(found->second->channel_lows(), found->second->channel_highs());
      scales.push_back(quantize::scale_by_channel(lows, highs));
      continue;
    }
    // Pixels have their range by definition; of outputs the rare high values are what is looked
    // for.
    const bool whole = roles[i].pixels || roles[i].output;
    const auto algorithm = whole ? quantize::Algorithm::kNormal : options.algorithm;
    auto range = quantize::choose_range(together[i], algorithm, options.percentile);
    if (roles[i].score) range.low = std::max(range.low, kLeastLogit);
    if (roles[i].pixels && options.overflow_fix) range.high += range.high - range.low;
    scales.push_back(quantize::scale_of(range));
  }
  return scales;
}

std::map<std::string, quantize::InputMeans> input_means(const onnx::Model& network,
                                                        const Statistics& values,
                                                        const Statistics& rounding) {
  std::map<std::string, quantize::InputMeans> means;
  for (auto& [name, of_values] : means_of(network, values)) {
    means[name].values = std::move(of_values);
  }
  for (auto& [name, of_rounding] : means_of(network, rounding)) {
    means[name].rounding = std::move(of_rounding);
  }
  return means;
}

RoundedTensor rounded_tensor(const quantize::Point& point, const quantize::Histogram& seen,
                             const quantize::Scale& scale) {
  const auto error = quantize::error_of(seen, scale);
  RoundedTensor tensor;
  tensor.name = point.tensor;
  tensor.group = point.group;
  tensor.lowest = seen.lowest();
  tensor.highest = seen.highest();
  tensor.scale = scale;
  tensor.clipped = error.clipped;
  tensor.snr_db = error.mean_square > 0 ? 10 * std::log10(error.signal / error.mean_square) : 0;
  tensor.cosine = error.cosine;
  tensor.not_numbers = seen.not_numbers();
  return tensor;
}

std::vector<std::uint64_t> in_few_bins(const quantize::Histogram& seen) {
  constexpr std::size_t kMost = 96;
  const auto bins = seen.bins();
  std::vector<std::uint64_t> few(std::min(bins.size(), kMost), 0);
  for (std::size_t i = 0; i < bins.size(); ++i) few[i * few.size() / bins.size()] += bins[i];
  return few;
}

Result<RoundedLayer> rounded_layer(const onnx::Model& network, const quantize::WeightedLayer& layer,
                                   const quantize::WriteOptions& options) {
  const auto weights = OSPREY_TRY(network.floats(layer.weights));
  const auto rounded = quantize::steps_of(weights, layer, options);
  const quantize::ChannelOf channel_of(layer.shape, layer.channel_axis);
  RoundedLayer told{layer.name, layer.op, layer.input};
  double signal = 0, noise = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const auto value = static_cast<double>(weights[i]);
    const double off = value - static_cast<double>(rounded.value(i, channel_of(i)));
    signal += value * value;
    noise += off * off;
    told.largest = std::max(told.largest, std::abs(weights[i]));
  }
  told.snr_db =
      noise > 0 ? 10 * std::log10(signal / noise) : std::numeric_limits<double>::infinity();
  return told;
}

}  // namespace osprey::engine
