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

/// Read-only float32 tensor that somebody else owns.
struct TensorView {
  const float* data = nullptr;
  Shape shape;

  std::size_t size() const {
    std::size_t n = 1;
    for (auto d : shape) n *= static_cast<std::size_t>(d);
    return n;
  }
};

}  // namespace osprey
