// SPDX-License-Identifier: Apache-2.0
// Where the virtual board's outputs come from.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "sim/rk3588/container.hpp"

namespace osprey::sim {

/// What one context's runs give. Threads: one owner.
class Answers {
 public:
  virtual ~Answers() = default;
  /// `picture`: height x width x 3 bytes in the network's order of channels. `outputs`: for each of
  /// the model's, memory for native_bytes(). Throws std::runtime_error.
  virtual void run(std::span<const std::uint8_t> picture,
                   std::span<std::uint8_t* const> outputs) = 0;
};

/// Makes each context's. Threads: any.
class AnswerSource {
 public:
  virtual ~AnswerSource() = default;
  virtual std::unique_ptr<Answers> answers() = 0;
};

/// What OSPREY_SIM_ANSWERS asks for:
/// - compute, or unset: by OpenVINO on this machine's CPU; right, and slower than a board
/// - record: the same, and writes them to the file that OSPREY_SIM_RECORDING names
/// - replay: those written there, in turn, read from the file each time: at the cost of a copy
/// - none: zeros
/// Throws std::runtime_error.
std::unique_ptr<AnswerSource> answer_source(const Model& model);

}  // namespace osprey::sim
