// SPDX-License-Identifier: Apache-2.0
// Bytes choose a head, options, shapes and values; decoding and NMS must neither crash, read out of
// bounds nor give what their contracts exclude.
#include <fuzzer/FuzzedDataProvider.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "model/decoder.hpp"
#include "model/nms.hpp"

namespace {

using namespace osprey;

constexpr std::size_t kMostValues = 1 << 16;

int small(FuzzedDataProvider& bytes, int most) {
  return bytes.ConsumeIntegralInRange<int>(0, most);
}

model::ModelSpec random_spec(FuzzedDataProvider& bytes) {
  constexpr int kStrides[] = {0, 1, 8, 16, 32};
  model::ModelSpec spec;
  spec.input.width = small(bytes, 256);
  spec.input.height = small(bytes, 256);
  auto& head = spec.head;
  head.kind = static_cast<model::HeadKind>(small(bytes, 5));
  head.classes = small(bytes, 20);
  head.output = small(bytes, 3) - 1;
  head.transposed = bytes.ConsumeBool();
  head.rule = bytes.ConsumeBool() ? model::AnchorRule::kExp : model::AnchorRule::kSquare;
  head.scores_are_logits = bytes.ConsumeBool();
  for (int scales = small(bytes, 3); scales > 0; --scales) {
    const int stride = bytes.PickValueInArray(kStrides);
    head.strides.push_back(stride);
    head.splits.push_back({small(bytes, 3), small(bytes, 3), -1, stride});
    model::AnchorScale scale{small(bytes, 3), stride, {}, bytes.ConsumeFloatingPoint<float>()};
    scale.anchors.resize(bytes.ConsumeIntegralInRange<std::size_t>(0, 3), {10, 20});
    head.scales.push_back(scale);
  }
  return spec;
}

// Shapes that fit the head more often than chance would, so that values get read.
Shape random_shape(FuzzedDataProvider& bytes, const model::ModelSpec& spec) {
  const auto& head = spec.head;
  const std::int64_t n = small(bytes, 600);
  const std::int64_t stride = head.strides.empty() ? 8 : std::max(head.strides[0], 1);
  const std::int64_t rows = (spec.input.height + stride - 1) / stride;
  const std::int64_t columns = (spec.input.width + stride - 1) / stride;
  const std::int64_t anchors =
      head.scales.empty() ? 1 : static_cast<std::int64_t>(head.scales[0].anchors.size());
  const std::int64_t values = head.classes + 5;
  switch (small(bytes, 11)) {
    case 0:
      return {1, head.classes + 4, n};
    case 1:
      return {1, n, head.classes + 4};
    case 2:
      return {1, n, values};
    case 3:
      return {1, n, 6};
    case 4:
      return {1, rows * columns, values};
    case 5:
      return {1, anchors * values, rows, columns};
    case 6:
      return {1, rows, columns, anchors * values};
    case 7:
      return {1, anchors, rows, columns, values};
    case 8:
      return {1, head.classes, rows, columns};
    case 9:
      return {1, rows, columns, head.classes};
    case 10:
      return {1, 4 * std::int64_t{small(bytes, 17)}, rows, columns};
    default: {
      Shape shape;
      for (int rank = small(bytes, 5); rank > 0; --rank) shape.push_back(small(bytes, 40) - 1);
      return shape;
    }
  }
}

// Exactly as many values as the shape says: one past them and the sanitizer speaks up.
std::vector<float> random_values(FuzzedDataProvider& bytes, const Shape& shape) {
  std::size_t count = 1;
  for (const auto dimension : shape) {
    if (dimension < 0) return {};
    count *= static_cast<std::size_t>(dimension);
    if (count > kMostValues) return {};
  }
  const auto seed = bytes.ConsumeBytes<std::uint8_t>(64);
  const bool as_bits = bytes.ConsumeBool();
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count && !seed.empty(); ++i) {
    if (as_bits) {
      std::uint32_t bits = 0;
      for (std::size_t k = 0; k < 4; ++k) bits = bits << 8 | seed[(4 * i + k) % seed.size()];
      std::memcpy(&values[i], &bits, sizeof(bits));
    } else {
      values[i] = (static_cast<float>(seed[i * 7 % seed.size()]) - 64) / 32;
    }
  }
  return values;
}

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzedDataProvider bytes(data, size);
  const auto spec = random_spec(bytes);
  model::DecodeOptions options;
  options.conf = bytes.ConsumeFloatingPointInRange<float>(-0.1f, 1.1f);
  options.multi_label = bytes.ConsumeBool();
  for (int wanted = small(bytes, 3); wanted > 0; --wanted) {
    options.classes.push_back(small(bytes, 20) - 1);
  }
  const auto decoder = model::Decoder::create(spec, options);
  if (!decoder.ok()) return 0;

  std::vector<std::vector<float>> memory;
  std::vector<Shape> shapes;
  for (int outputs = small(bytes, 4); outputs > 0; --outputs) {
    auto shape = random_shape(bytes, spec);
    auto values = random_values(bytes, shape);
    std::size_t count = 1;
    for (const auto dimension : shape) count *= static_cast<std::size_t>(dimension);
    if (values.size() != count) shape = {-1};  // too large or unfixed: refused by its shape
    values.shrink_to_fit();
    memory.push_back(std::move(values));
    shapes.push_back(std::move(shape));
  }
  std::vector<TensorView> views;
  for (std::size_t i = 0; i < memory.size(); ++i) views.push_back({memory[i].data(), shapes[i]});

  std::vector<Detection> found;
  if (!(*decoder)->decode(views, found).ok()) {
    require(found.empty());
    return 0;
  }
  for (const auto& detection : found) {
    const auto& box = detection.box;
    require(detection.confidence > options.conf && detection.confidence <= 1);
    require(detection.label_id >= 0 && detection.label_id < spec.head.classes);
    require(std::isfinite(box.x1) && std::isfinite(box.y1) && std::isfinite(box.x2) &&
            std::isfinite(box.y2));
  }
  model::NmsOptions nms;
  nms.iou = bytes.ConsumeProbability<float>();
  nms.agnostic = bytes.ConsumeBool();
  nms.max_det = small(bytes, 300);
  nms.max_candidates = small(bytes, 30000);
  const auto candidates = found.size();
  model::nms(found, nms);
  require(found.size() <= candidates && found.size() <= static_cast<std::size_t>(nms.max_det));
  for (std::size_t i = 1; i < found.size(); ++i) {
    require(found[i - 1].confidence >= found[i].confidence);
  }
  return 0;
}
