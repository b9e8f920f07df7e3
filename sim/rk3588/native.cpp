// SPDX-License-Identifier: Apache-2.0
#include "sim/rk3588/native.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace osprey::sim {

namespace {

std::size_t pixels(const Tensor& tensor) {
  return std::size_t{tensor.dims[2]} * tensor.dims[3];
}

/// Calls `each(place in rows, place in memory)` for every value of one picture.
template <typename Each>
void for_each_value(const Tensor& tensor, const Each& each) {
  if (!in_blocks(tensor)) {
    for (std::size_t i = 0; i < value_count(tensor); ++i) each(i, i);
    return;
  }
  const auto area = pixels(tensor);
  for (std::size_t channel = 0; channel < tensor.dims[1]; ++channel) {
    const auto block = channel / kBlock * kBlock * area + channel % kBlock;
    for (std::size_t i = 0; i < area; ++i) each(channel * area + i, block + i * kBlock);
  }
}

std::int8_t to_step(float value, const Tensor& tensor) {
  const float steps = std::nearbyint(value / tensor.scale) + static_cast<float>(tensor.zero_point);
  return static_cast<std::int8_t>(std::clamp(steps, -128.f, 127.f));
}

}  // namespace

bool in_blocks(const Tensor& tensor) {
  return tensor.type == Type::kInt8 && tensor.dims.size() == 4 && !tensor.nhwc;
}

std::size_t value_count(const Tensor& tensor) {
  std::size_t count = 1;
  for (std::size_t i = 1; i < tensor.dims.size(); ++i) count *= tensor.dims[i];
  return count;
}

std::size_t native_bytes(const Tensor& tensor) {
  if (in_blocks(tensor)) {
    const std::size_t blocks = (tensor.dims[1] + kBlock - 1) / kBlock;
    return blocks * kBlock * pixels(tensor);
  }
  return value_count(tensor) * (tensor.type == Type::kInt8 ? 1 : sizeof(float));
}

void to_native(const float* values, const Tensor& tensor, std::uint8_t* native) {
  if (tensor.type == Type::kFloat32) {
    std::memcpy(native, values, native_bytes(tensor));
    return;
  }
  auto* steps = reinterpret_cast<std::int8_t*>(native);
  for_each_value(tensor, [&](std::size_t row, std::size_t memory) {
    steps[memory] = to_step(values[row], tensor);
  });
}

void to_floats(const std::uint8_t* native, const Tensor& tensor, float* values) {
  if (tensor.type == Type::kFloat32) {
    std::memcpy(values, native, native_bytes(tensor));
    return;
  }
  const auto* steps = reinterpret_cast<const std::int8_t*>(native);
  for_each_value(tensor, [&](std::size_t row, std::size_t memory) {
    values[row] = static_cast<float>(steps[memory] - tensor.zero_point) * tensor.scale;
  });
}

void to_steps(const std::uint8_t* native, const Tensor& tensor, std::int8_t* steps) {
  const auto* from = reinterpret_cast<const std::int8_t*>(native);
  for_each_value(tensor, [&](std::size_t row, std::size_t memory) { steps[row] = from[memory]; });
}

}  // namespace osprey::sim
