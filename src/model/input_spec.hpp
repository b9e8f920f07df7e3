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
struct InputSpec {
  int width = 640;   ///< pixels
  int height = 640;  ///< pixels
  ChannelOrder order = ChannelOrder::kRgb;
  std::array<float, 3> mean{0, 0, 0};       ///< in `order`
  std::array<float, 3> std{255, 255, 255};  ///< in `order`, > 0
  std::uint8_t pad = 114;                   ///< grey level around the picture
  LetterboxAlign align = LetterboxAlign::kCenter;
};

/// Sets the fields of `spec` that metadata key "osprey.input" names. `json` is an object of any of
///   {"order": "rgb" | "bgr", "mean": [r, g, b], "std": [r, g, b], "pad": 0..255,
///    "align": "center" | "top_left"}
/// Errors (kCorrupt): not such an object; an unknown key. `spec` is then unchanged.
Status apply_input_json(const std::string& json, InputSpec& spec);

}  // namespace osprey::model
