// SPDX-License-Identifier: Apache-2.0
#include "engine/float_network.hpp"

#include <algorithm>

#include "base/try.hpp"
#include "engine/prepared_model.hpp"
#include "onnx/rewrite.hpp"
#include "quantize/layers.hpp"
#include "quantize/plan.hpp"

namespace osprey::engine {

Result<FloatNetwork> read_floats(const std::string& path, const std::vector<int>& imgsz) {
  auto spec = OSPREY_TRY(read_onnx_detector(path, imgsz)).spec;
  auto network = OSPREY_TRY(onnx::Model::read(path));
  if (network.opset() < quantize::kLeastOpset) {
    OSPREY_TRY(network.convert(quantize::kLeastOpset));
  }
  // Normalisation belongs to the weights before these are rounded.
  onnx::rewrite(network);
  return FloatNetwork{path, std::move(network), std::move(spec)};
}

Result<std::optional<FloatNetwork>> without_head(const FloatNetwork& whole,
                                                 const std::vector<int>& imgsz,
                                                 const std::string& path) {
  // Its parts look like distances and sums of scores, which they are not.
  if (whole.spec.head.kind == model::HeadKind::kYoloxGrid) return std::optional<FloatNetwork>();
  const auto tensors = quantize::head_of(whole.network).tensors;
  std::vector<std::string> outputs;
  for (const auto& output : whole.network.outputs()) outputs.push_back(output.name);
  if (tensors.empty() ||
      std::is_permutation(tensors.begin(), tensors.end(), outputs.begin(), outputs.end())) {
    return std::optional<FloatNetwork>();
  }
  auto cut = whole.network.copy();
  cut.end_at(tensors);
  OSPREY_TRY(cut.write(path));
  auto read = read_floats(path, imgsz);
  return read ? std::optional<FloatNetwork>(std::move(*read)) : std::nullopt;
}

}  // namespace osprey::engine
