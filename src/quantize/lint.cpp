// SPDX-License-Identifier: Apache-2.0
#include "quantize/lint.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "base/try.hpp"
#include "onnx/fusion.hpp"
#include "onnx/wiring.hpp"
#include "quantize/weights.hpp"

namespace osprey::quantize {

namespace {

/// With one scale a channel whose weights are so much smaller than the largest has 8 steps or less.
constexpr double kUneven = 32;
/// A weight so many times the others' root mean square leaves most of them few steps.
constexpr double kOutlier = 32;

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", value);
  return text;
}

/// The largest weight and the root mean square of each output channel.
struct ChannelSizes {
  std::vector<double> largest, rms;
};

ChannelSizes channels_of(const std::vector<float>& weights, const WeightedLayer& layer) {
  const ChannelOf channel_of(layer.shape, layer.channel_axis);
  const std::size_t count = channel_of.count;
  ChannelSizes channels{std::vector<double>(count, 0), std::vector<double>(count, 0)};
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const std::size_t channel = channel_of(i);
    const double size = std::abs(static_cast<double>(weights[i]));
    channels.largest[channel] = std::max(channels.largest[channel], size);
    channels.rms[channel] += size * size;
  }
  const double each = static_cast<double>(weights.size()) / static_cast<double>(count);
  for (auto& rms : channels.rms) rms = std::sqrt(rms / each);
  return channels;
}

class Linter {
 public:
  Linter(const onnx::Model& model, const Plan& plan, const LintOptions& options)
      : model_(model), wiring_(model), plan_(plan), options_(options) {}

  Result<std::vector<Finding>> run() {
    for (const auto& layer : plan_.layers) {
      const auto weights = OSPREY_TRY(model_.floats(layer.weights));
      const auto channels = channels_of(weights, layer);
      look_at_weights(layer, channels);
      look_at_inputs(layer, channels);
    }
    look_at_products();
    look_at_fusions();
    for (auto* kind : {&weights_, &others_}) {
      std::stable_sort(kind->begin(), kind->end(),
                       [](const auto& a, const auto& b) { return a.weight > b.weight; });
    }
    weights_.insert(weights_.end(), others_.begin(), others_.end());
    return std::move(weights_);
  }

 private:
  void look_at_weights(const WeightedLayer& layer, const ChannelSizes& channels) {
    const double largest = *std::max_element(channels.largest.begin(), channels.largest.end());
    if (!options_.per_channel) {
      std::size_t small = 0;
      for (const double one : channels.largest) small += one > 0 && largest > kUneven * one ? 1 : 0;
      if (small == 0) return;
      weights_.push_back({layer.name,
                          std::to_string(small) + " of " + std::to_string(channels.largest.size()) +
                              " channels have weights below 1/" + number(kUneven) +
                              " of the largest: one scale leaves them few steps; --method channel "
                              "gives each its own",
                          static_cast<double>(small)});
      return;
    }
    double worst = 0;
    for (std::size_t c = 0; c < channels.rms.size(); ++c) {
      if (channels.rms[c] > 0) worst = std::max(worst, channels.largest[c] / channels.rms[c]);
    }
    if (worst < kOutlier) return;
    weights_.push_back({layer.name,
                        "a weight is " + number(worst) +
                            " times its channel's usual size: the others share few steps",
                        worst});
  }

  /// Where each channel is seen by itself, large weights tell of small inputs.
  void look_at_inputs(const WeightedLayer& layer, const ChannelSizes& channels) {
    if (!is_depthwise(layer) || options_.placement == Placement::kLayerInputs) return;
    const auto [least, most] = std::minmax_element(channels.rms.begin(), channels.rms.end());
    const double ratio = *least > 0 ? *most / *least : 0;
    if (ratio < kUneven) return;
    others_.push_back({layer.name,
                       "sees each channel by itself, some " + number(ratio) +
                           " times stronger than others, and their inputs share one scale: weak "
                           "ones suffer; --max-drop finds the layers that matter",
                       ratio});
  }

  void look_at_products() {
    const auto head = head_of(model_);
    std::size_t count = 0;
    std::string first;
    for (std::size_t i = 0; i < wiring_.nodes().size(); ++i) {
      const auto& node = wiring_.nodes()[i];
      if (node.op != "MatMul" || layer_of(wiring_, i) || head.decoding.contains(i)) continue;
      if (count++ == 0) first = onnx::label(node);
    }
    if (count == 0) return;
    others_.push_back({first,
                       "and " + std::to_string(count - 1) +
                           " more products of two computed tensors (attention) stay in float",
                       0});
  }

  void look_at_fusions() {
    for (const auto& fusion : onnx::find_fusions(model_)) {
      if (fusion.kind == onnx::FusionKind::kBatchNormalization) {
        others_.push_back({fusion.layer,
                           "is followed by BatchNormalization, whose scales INT8 does not see; "
                           "osprey optimize makes it part of the weights",
                           1});
      } else if (!fusion.blocked.empty()) {
        others_.push_back(
            {fusion.layer,
             name_of(fusion.kind) + " behind it is a step of its own: " + fusion.blocked, 1});
      }
    }
  }

  const onnx::Model& model_;
  const onnx::Wiring wiring_;
  const Plan& plan_;
  const LintOptions options_;
  std::vector<Finding> weights_, others_;
};

}  // namespace

Result<std::vector<Finding>> lint(const onnx::Model& model, const Plan& plan,
                                  const LintOptions& options) {
  return Linter(model, plan, options).run();
}

}  // namespace osprey::quantize
