// SPDX-License-Identifier: Apache-2.0
// What calibration gathers of a tensor.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/tensor.hpp"
#include "onnx/model.hpp"
#include "quantize/histogram.hpp"
#include "quantize/scale.hpp"

namespace osprey::quantize {

/// Memory: that of a histogram, and a number a channel.
class TensorStatistics {
 public:
  /// [N, C, H, W] has means by channel; other shapes have none. `with_ranges`: also the lowest and
  /// highest value of each.
  void add(const TensorView& tensor, bool with_ranges = false);
  /// What rounding to `scale` adds to each value, in place of the values: its means, no histogram.
  void add_rounding(const TensorView& tensor, const Scale& scale);
  void merge(const TensorStatistics& other);

  const Histogram& histogram() const { return histogram_; }
  /// Empty if there are none.
  std::vector<float> channel_means() const;
  /// By channel; empty if there are none.
  const std::vector<float>& channel_lows() const { return lows_; }
  const std::vector<float>& channel_highs() const { return highs_; }

 private:
  template <typename Add>
  void by_channel(const TensorView& tensor, Add add);

  Histogram histogram_;
  std::vector<double> sums_;
  std::vector<float> lows_, highs_;
  double per_channel_ = 0;  ///< values in a sum
  bool has_channels_ = true;
};

/// Adds to `means` those of tensors that follow from them: behind Split and Concat of channels, and
/// what repeats or keeps values.
void follow_means(const onnx::Model& model, std::map<std::string, std::vector<float>>& means);

}  // namespace osprey::quantize
