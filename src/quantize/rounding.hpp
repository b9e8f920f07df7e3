// SPDX-License-Identifier: Apache-2.0
// Weights rounded so that a layer's outputs stay near, not each weight by itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/tensor.hpp"
#include "onnx/model.hpp"
#include "quantize/layers.hpp"
#include "quantize/weights.hpp"

namespace osprey::quantize {

/// How the values that a group's outputs are summed from vary together. Two values, of channels a
/// and b at places s and t of the kernel: channels[a][b] * places[s][t]. True of kernels of one
/// place and of one channel; of others it is taken so.
struct Covariance {
  std::vector<double> channels;  ///< n * n
  std::vector<double> places;    ///< k * k
};

/// Moves `steps`, whole numbers, near `wanted` so that the mean square of the sum of errors is
/// less: each in turn to where it is least as the others are, until none moves. Both lie as
/// [channel][place]. Never more than before. Errors by themselves have a small part in what is
/// made less, as the covariance is only that of some pictures. Steps stay within low..high.
void lower_error(std::span<const double> wanted, std::span<double> steps, double low, double high,
                 const Covariance& inputs);

/// What lower_error() makes less.
double error_of(std::span<const double> wanted, std::span<const double> steps,
                const Covariance& inputs);

/// Gathers how the inputs of a layer vary, at some places of each picture. Memory: for each group
/// the square of its channels, and of the kernel's places.
class InputSpread {
 public:
  /// Whether the layer is of a kind that can be gathered for.
  static bool fits(const onnx::Node& node, const WeightedLayer& layer);

  InputSpread(const onnx::Node& node, const WeightedLayer& layer);

  void add(const TensorView& input);
  void merge(const InputSpread& other);
  bool empty() const { return samples_ == 0; }
  /// `about_means`: a bias takes the mean of errors away.
  Covariance of_group(std::size_t group, bool about_means) const;

 private:
  static constexpr std::size_t kSamples = 256;  ///< a picture
  using Samples = std::vector<float>;           ///< rows of kSamples

  void add_channels(const Samples& values);
  void add_places(const TensorView& input, const std::vector<std::size_t>& at);

  std::size_t groups_ = 1, channels_ = 1, places_ = 1;  ///< channels of a group
  std::int64_t width_ = 1;                              ///< of the kernel
  std::int64_t step_y_ = 1, step_x_ = 1;                ///< dilations
  bool channels_last_ = false;
  bool has_places_ = false;  ///< the kernel's places see values that vary together
  double samples_ = 0;
  std::vector<double> channel_products_, channel_sums_, place_products_, place_sums_;
};

/// Chooses steps anew, with the scales that `rounded` has, for the least error of outputs.
void round_by_error(std::span<const float> weights, const WeightedLayer& layer,
                    const InputSpread& inputs, bool about_means, const WeightOptions& options,
                    WeightSteps& rounded);

}  // namespace osprey::quantize
