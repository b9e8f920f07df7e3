// SPDX-License-Identifier: Apache-2.0
// A .cfg, a zero byte, then a .weights file. Since no fuzzer guesses how many weights a cfg takes,
// a cfg that can be planned is imported once more with as many as it wants.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "onnx/darknet/cfg.hpp"
#include "onnx/darknet/import.hpp"
#include "onnx/darknet/network.hpp"

namespace {

namespace onnx = osprey::onnx;
namespace darknet = osprey::onnx::darknet;

constexpr std::int64_t kMostWeights = 1 << 18;
constexpr std::size_t kHeader = 20;  // of version 0.2, which the fuzzer need not find either

/// A weights file of the right size for the cfg, of `seed` over and over; empty if that is too
/// large.
std::string fitting_weights(std::string_view cfg, std::string_view seed) {
  const auto sections = darknet::parse_cfg(cfg, "cfg");
  if (!sections.ok() || seed.empty()) return {};
  const auto network = darknet::plan_network(*sections, "cfg", {});
  if (!network.ok()) return {};
  std::int64_t count = 0;
  for (const auto& layer : network->layers) {
    if (const auto* conv = std::get_if<darknet::Convolution>(&layer.what)) count += conv->weights();
    if (count > kMostWeights) return {};
  }
  std::string bytes(kHeader, '\0');
  bytes[4] = 2;
  bytes.reserve(kHeader + static_cast<std::size_t>(count) * sizeof(float));
  while (bytes.size() < kHeader + static_cast<std::size_t>(count) * sizeof(float)) {
    bytes += seed[bytes.size() % seed.size()];
  }
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::size_t split = bytes.find('\0');
  const std::string_view cfg = bytes.substr(0, split);
  const std::string_view weights =
      split == std::string_view::npos ? std::string_view() : bytes.substr(split + 1);
  (void)onnx::convert_darknet({"cfg", cfg}, {"weights", weights},
                              onnx::DarknetFile{"names", weights}, {});
  const std::string fitting = fitting_weights(cfg, weights);
  if (fitting.empty()) return 0;
  const auto model = onnx::convert_darknet({"cfg", cfg}, {"weights", fitting}, std::nullopt, {});
  // What is imported must be sound: the sizes planned are those the operators give.
  if (!model.ok()) return 0;
  const auto shapes = model->infer_shapes();
  for (const auto& output : model->outputs()) {
    if (shapes.at(output.name) != output.shape) std::abort();
  }
  return 0;
}
