// SPDX-License-Identifier: Apache-2.0
// A model file of the virtual RK3588: a network, what its tensors are on the board, and what it
// costs there.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace osprey::sim {

enum class Type : std::uint8_t { kFloat32, kInt8 };

/// As the runtime's queries give it.
struct Tensor {
  std::string name;
  std::vector<std::uint32_t> dims;  ///< of all pictures of a run, whose count is the first
  bool nhwc = false;                ///< else as the network has it
  Type type = Type::kFloat32;
  float scale = 1;  ///< of kInt8: value = (number - zero_point) * scale
  std::int32_t zero_point = 0;
};

struct Model {
  std::string platform = "rk3588";
  std::string name;
  /// One picture on one core.
  double core_ms = 0;
  /// Share of it that several cores divide among them; the rest runs on one.
  double parallel = 0;
  /// The network sees (u8 - mean) / std, in this order of channels.
  std::vector<float> mean{0, 0, 0}, std{255, 255, 255};
  bool bgr = false;
  std::string custom_string;  ///< below 1024 bytes
  Tensor input;
  std::vector<Tensor> outputs;
  std::string onnx;  ///< the network, for one picture
};

/// The file's bytes.
std::string to_bytes(const Model& model);

/// Throws std::runtime_error with what is wrong.
Model from_bytes(const std::string& bytes);

}  // namespace osprey::sim
