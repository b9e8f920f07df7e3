// SPDX-License-Identifier: Apache-2.0
#include "sim/rk3588/estimate.hpp"

#include <algorithm>
#include <cmath>

namespace osprey::sim {

namespace {

using model::Layer;

// The core: 1024 multiply-adds a cycle at 1 GHz, on blocks of 32 channels (8 for pictures).
constexpr double kProductsPerUs = 1024e3;
constexpr double kUsualBlock = 32, kPictureBlock = 8, kPictureChannels = 4;
// Fitted to the published times.
constexpr double kBytesPerUs = 5000;
constexpr double kUsPerLayer = 14.3;
constexpr double kDepthwiseSlowness = 144;  // a multiply-add, in those of other convolutions

double in_blocks(double channels, double block) {
  return std::ceil(channels / block) * block;
}

double products(const Layer& layer) {
  if (layer.kind == Layer::Kind::kDepthwise) return layer.positions * kDepthwiseSlowness;
  const double block = layer.channels_in <= kPictureChannels ? kPictureBlock : kUsualBlock;
  return layer.positions * in_blocks(layer.channels_in, block) *
         in_blocks(layer.channels_out, kUsualBlock);
}

double us(const Layer& layer, bool fused_silu) {
  double layers = 1, bytes = layer.values_in + layer.values_out + layer.weights;
  if (layer.kind == Layer::Kind::kSilu) {
    if (fused_silu) return 0;
    layers = 2;  // the sigmoid, then the product of it and its input
    bytes = 5 * layer.values_out;
  }
  const bool multiplies =
      layer.kind == Layer::Kind::kConvolution || layer.kind == Layer::Kind::kDepthwise;
  const double work = multiplies ? products(layer) / kProductsPerUs : 0;
  return std::max(work, bytes / kBytesPerUs) + layers * kUsPerLayer;
}

}  // namespace

double estimate_core_ms(const std::vector<Layer>& layers, bool fused_silu) {
  double sum = 0;
  for (const auto& layer : layers) sum += us(layer, fused_silu);
  return sum / 1000;
}

}  // namespace osprey::sim
