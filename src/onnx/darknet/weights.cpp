// SPDX-License-Identifier: Apache-2.0
#include "onnx/darknet/weights.hpp"

#include <array>
#include <cmath>
#include <cstring>
#include <utility>

#include "base/try.hpp"

namespace osprey::onnx::darknet {
namespace {

/// Darknet's own programs disagree: 1e-5 or 1e-6, beside the variance or beside its root. This is
/// what OpenCV's reader computes with.
constexpr double kEpsilon = 1e-6;

/// Bytes before the first number: three versions, then the count of pictures seen in training, of
/// 64 bits from version 0.2 on.
std::size_t header_size(std::string_view bytes) {
  std::array<std::int32_t, 3> version{};
  std::memcpy(version.data(), bytes.data(), sizeof version);
  const auto [major, minor, revision] = version;
  const bool wide = major < 1000 && minor < 1000 &&
                    static_cast<std::int64_t>(major) * 10 + static_cast<std::int64_t>(minor) >= 2;
  return sizeof version + (wide ? sizeof(std::int64_t) : sizeof(std::int32_t));
}

}  // namespace

Result<WeightsReader> WeightsReader::open(std::string_view bytes, const std::string& name,
                                          const Network& network) {
  constexpr std::size_t kShortestHeader = 16;
  if (bytes.empty())
    return Error{ErrorCode::kCorrupt, name + ": is empty; expected Darknet .weights"};
  if (bytes.size() < kShortestHeader || bytes.size() < header_size(bytes)) {
    return Error{ErrorCode::kCorrupt, name +
                                          ": is not a Darknet weights file: its header is cut "
                                          "off (" +
                                          std::to_string(bytes.size()) + " bytes)"};
  }
  const std::size_t header = header_size(bytes);
  const std::uint64_t have = bytes.size() - header;
  std::uint64_t need = 0;
  const Layer* short_at = nullptr;  // the first layer whose numbers are not all there
  for (const auto& layer : network.layers) {
    const auto* conv = std::get_if<Convolution>(&layer.what);
    if (!conv) continue;
    const auto bytes_taken = static_cast<std::uint64_t>(conv->weights()) * sizeof(float);
    if (__builtin_add_overflow(need, bytes_taken, &need)) need = ~std::uint64_t{0};
    if (need > have && !short_at) short_at = &layer;
  }
  if (need != have) {
    std::string message = name + ": expected " + std::to_string(need) +
                          " bytes of weights after the header, found " + std::to_string(have);
    if (short_at) {
      message += ": they end within the [convolutional] of line " +
                 std::to_string(short_at->section.line());
    }
    return Error{ErrorCode::kCorrupt, message + "; cut off, or not the weights of this cfg"};
  }
  return WeightsReader(bytes.substr(header), name);
}

std::vector<float> WeightsReader::take(std::int64_t count) {
  std::vector<float> numbers(static_cast<std::size_t>(count));
  std::memcpy(numbers.data(), rest_.data(), numbers.size() * sizeof(float));
  rest_.remove_prefix(numbers.size() * sizeof(float));
  return numbers;
}

Result<FoldedConvolution> WeightsReader::next(const Layer& layer) {
  const auto& conv = std::get<Convolution>(layer.what);
  FoldedConvolution folded;
  folded.bias = take(conv.filters);
  std::vector<float> scale, mean, variance;
  if (conv.normalised) {
    scale = take(conv.filters);
    mean = take(conv.filters);
    variance = take(conv.filters);
  }
  const std::int64_t kernel =
      static_cast<std::int64_t>(conv.group_channels) * conv.size * conv.size;
  folded.kernel = take(conv.filters * kernel);

  const auto filters = static_cast<std::size_t>(conv.filters);
  for (std::size_t filter = 0; filter < filters; ++filter) {
    double factor = 1;
    if (conv.normalised) {
      factor = scale[filter] / std::sqrt(variance[filter] + kEpsilon);
      folded.bias[filter] = static_cast<float>(folded.bias[filter] - mean[filter] * factor);
    }
    bool finite = std::isfinite(folded.bias[filter]);
    const std::size_t begin = filter * static_cast<std::size_t>(kernel);
    for (std::size_t i = begin; i < begin + static_cast<std::size_t>(kernel); ++i) {
      folded.kernel[i] = static_cast<float>(folded.kernel[i] * factor);
      finite = finite && std::isfinite(folded.kernel[i]);
    }
    if (!finite) {
      return Error{ErrorCode::kCorrupt,
                   name_ + ": the weights of the [convolutional] of line " +
                       std::to_string(layer.section.line()) +
                       " are not finite; damaged, or not the weights of this cfg"};
    }
  }
  return folded;
}

}  // namespace osprey::onnx::darknet
