// SPDX-License-Identifier: Apache-2.0
// How outputs lie in the board's memory: INT8 maps in blocks of 16 channels (NC1HWC2), all else in
// plain rows.
#pragma once

#include <cstddef>
#include <cstdint>

#include "sim/rk3588/container.hpp"

namespace osprey::sim {

inline constexpr std::uint32_t kBlock = 16;

/// Whether the tensor, of one picture or of a batch, is kept in blocks.
bool in_blocks(const Tensor& tensor);

/// Bytes of one picture's part.
std::size_t native_bytes(const Tensor& tensor);

/// Values of one picture's part.
std::size_t value_count(const Tensor& tensor);

/// One picture's values, in rows, to where they lie on the board: as steps if the tensor is INT8.
void to_native(const float* values, const Tensor& tensor, std::uint8_t* native);

/// The way back, as the runtime's outputs_get goes it: as numbers or as steps, in rows.
void to_floats(const std::uint8_t* native, const Tensor& tensor, float* values);
void to_steps(const std::uint8_t* native, const Tensor& tensor, std::int8_t* steps);

}  // namespace osprey::sim
