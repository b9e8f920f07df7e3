// SPDX-License-Identifier: Apache-2.0
// Tensors as Osprey sees them: a name, a shape, an element type and borrowed memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace osprey {

enum class ElementType : std::uint8_t {
  kFloat32,
  kFloat16,
  kBfloat16,
  kInt8,
  kUint8,
  kInt32,
  kInt64,
  kOther
};

/// Dense, row-major; -1 marks a dimension that is not fixed.
using Shape = std::vector<std::int64_t>;

struct TensorInfo {
  std::string name;
  Shape shape;
  ElementType type = ElementType::kFloat32;
};

/// Read-only tensor that somebody else owns: float32 in rows, or an INT8 map as an NPU leaves it.
struct TensorView {
  const float* data = nullptr;
  Shape shape;
  /// If not null, in place of data: a value is (step - zero_point) * scale, and [1, C, H, W] lies
  /// as [ceil(C / block), H, W, block].
  const std::int8_t* steps = nullptr;
  float scale = 1;
  std::int32_t zero_point = 0;
  std::int64_t block = 1;

  std::size_t size() const {
    std::size_t n = 1;
    for (auto d : shape) n *= static_cast<std::size_t>(d);
    return n;
  }
};

}  // namespace osprey
