// SPDX-License-Identifier: Apache-2.0
// Which frame of which stream.
#pragma once

#include <compare>
#include <cstdint>

namespace osprey {

struct FrameId {
  std::uint32_t stream = 0;    ///< place of the source on the command line, from 0
  std::uint64_t sequence = 0;  ///< place in the stream's capture order, from 0
  friend auto operator<=>(const FrameId&, const FrameId&) = default;
};

}  // namespace osprey
