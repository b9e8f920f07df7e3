// SPDX-License-Identifier: Apache-2.0
#include "engine/weight_rounding.hpp"

#include <atomic>
#include <cmath>
#include <set>
#include <thread>

#include "base/try.hpp"

namespace osprey::engine {

namespace {

/// A layer whose weights are between steps.
struct Unrounded {
  const quantize::WeightedLayer* layer = nullptr;
  std::vector<float> weights;
  quantize::WeightSteps steps;  ///< the nearest, then those chosen
  std::size_t spread = 0;       ///< by its place among those of the layer's input
};

bool is_between_steps(const Unrounded& one) {
  constexpr float kWhole = 1e-3f;  // of a step
  const quantize::ChannelOf channel(one.layer->shape, one.layer->channel_axis);
  for (std::size_t i = 0; i < one.weights.size(); ++i) {
    const std::size_t at = one.steps.scales.size() > 1 ? channel(i) : 0;
    const float off = one.weights[i] - one.steps.value(i, at);
    if (std::abs(off) > kWhole * one.steps.scales[at]) return true;
  }
  return false;
}

/// Calls `work` with 0..count-1.
template <typename Work>
void side_by_side(std::size_t count, int threads, const Work& work) {
  std::atomic<std::size_t> next{0};
  std::vector<std::thread> workers;
  workers.reserve(static_cast<std::size_t>(threads));
  for (int i = 0; i < threads; ++i) {
    workers.emplace_back([&] {
      for (std::size_t at = next++; at < count; at = next++) work(at);
    });
  }
  for (auto& worker : workers) worker.join();
}

}  // namespace

Result<std::map<std::string, quantize::WeightSteps>> rounded_by_error(
    const onnx::Model& network, const model::InputSpec& input,
    const std::vector<quantize::WeightedLayer>& layers,
    const std::map<std::string, quantize::InputMeans>& means, const QuantisationOptions& options,
    CalibrationOptions calibrating) {
  const auto nodes = network.nodes();
  std::vector<Unrounded> all;
  std::set<std::string> known;
  for (const auto& layer : layers) {
    const auto& node = nodes[layer.node];
    if (!quantize::InputSpread::fits(node, layer) || !known.insert(layer.weights).second) continue;
    Unrounded one;
    one.layer = &layer;
    one.weights = OSPREY_TRY(network.floats(layer.weights));
    one.steps =
        quantize::round_weights(one.weights, layer.shape, layer.channel_axis, options.weights);
    if (!is_between_steps(one)) continue;
    auto& spreads = calibrating.spreads[layer.input];
    one.spread = spreads.size();
    spreads.emplace_back(node, layer);
    all.push_back(std::move(one));
  }
  std::map<std::string, quantize::WeightSteps> rounded;
  if (all.empty()) return rounded;
  std::vector<std::string> tensors;
  for (const auto& [tensor, spreads] : calibrating.spreads) tensors.push_back(tensor);
  Calibrator calibrator(network.copy(), input, tensors, options.threads, options.memory);
  const auto seen = OSPREY_TRY(calibrator.run(calibrating));
  const int threads = options.threads > 0
                          ? options.threads
                          : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  side_by_side(all.size(), threads, [&](std::size_t i) {
    auto& [layer, weights, steps, spread] = all[i];
    const bool about_means = quantize::correcting_means(means, *layer) != nullptr;
    quantize::round_by_error(weights, *layer, seen.spreads.at(layer->input)[spread], about_means,
                             options.weights, steps);
  });
  for (auto& one : all) rounded[one.layer->weights] = std::move(one.steps);
  return rounded;
}

}  // namespace osprey::engine
