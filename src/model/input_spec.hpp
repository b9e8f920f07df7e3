// SPDX-License-Identifier: Apache-2.0
// What a network wants to see: size, colour order, scaling, padding.
#pragma once

#include <osprey/result.hpp>

#include <array>
#include <cstdint>
#include <string>

#include "core/letterbox.hpp"

namespace osprey::model {

enum class ChannelOrder : std::uint8_t { kRgb, kBgr };

/// The network sees (u8 - mean) / std for each channel, in `order`, of a letterboxed picture.
/// As JSON in metadata key "osprey.input":
///   {"order":"rgb","mean":[0,0,0],"std":[255,255,255],"pad":114,"align":"center"}
struct InputSpec {
  int width = 640;
  int height = 640;
  ChannelOrder order = ChannelOrder::kRgb;
  std::array<float, 3> mean{0, 0, 0};
  std::array<float, 3> std{255, 255, 255};
  std::uint8_t pad = 114;
  LetterboxAlign align = LetterboxAlign::kCenter;
};

}  // namespace osprey::model
