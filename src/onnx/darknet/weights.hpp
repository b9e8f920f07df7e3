// SPDX-License-Identifier: Apache-2.0
// Darknet's .weights files: a header, then float32 numbers in the layers' order.
#pragma once

#include <osprey/result.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "onnx/darknet/network.hpp"

namespace osprey::onnx::darknet {

/// A convolution without batch normalisation, out = kernel * in + bias.
struct FoldedConvolution {
  std::vector<float> kernel;  ///< [filters, group_channels, size, size]
  std::vector<float> bias;    ///< [filters]
};

/// Hands out the numbers one layer after the other. `bytes` must outlive it.
class WeightsReader {
 public:
  /// Errors: a header cut off; not exactly as many numbers as the network's layers take.
  static Result<WeightsReader> open(std::string_view bytes, const std::string& name,
                                    const Network& network);

  /// The next convolution, which must be the network's next one too; its normalisation is folded
  /// into kernel and bias. Errors: a result that is not finite (not the weights of this cfg).
  Result<FoldedConvolution> next(const Layer& layer);

 private:
  WeightsReader(std::string_view numbers, std::string name)
      : rest_(numbers), name_(std::move(name)) {}
  std::vector<float> take(std::int64_t count);

  std::string_view rest_;
  std::string name_;
};

}  // namespace osprey::onnx::darknet
