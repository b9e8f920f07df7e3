// SPDX-License-Identifier: Apache-2.0
// A small real TFLite detector, written at test time, whose answers are known.
#pragma once

#include <osprey/result.hpp>

#include <cstdint>
#include <string>

namespace osprey::support {

/// Numbers of a network's input, weights and output.
enum class TfliteNumbers : std::uint8_t {
  kFloat32,
  kInt8,   ///< zero point of the input -128: it is the picture's bytes minus 128
  kUint8,  ///< zero point of the input 0: it is the picture's bytes
};

struct TfliteSquareDetector {
  int width = 128, height = 128;  ///< of the input, pixels; multiples of 8
  TfliteNumbers numbers = TfliteNumbers::kFloat32;
};

/// Outputs of a quantised network are whole multiples of this.
inline constexpr float kTfliteOutputStep = 0.5f;

/// A detector of squares of 24x24 pixels in pure red (class 0), green (1) or blue (2). Input
/// "images" [1, height, width, 3], RGB, 0..1; output "output0" [1, 4+3, N]: cx, cy, w, h, class
/// scores, one candidate for each cell of 8x8 pixels (N = width/8 * height/8), row by row.
///
/// Each candidate is the square of 24x24 pixels about its cell, and its score the mean over that
/// square, zeros outside the picture, of its colour minus the other two; 0 if that is negative. So
/// a square that lies on whole cells of a dark picture scores 1 in its middle, and about 2/3 in the
/// cells beside that.
///
/// Errors: the file cannot be written; a size that is no multiple of 8, or, of a quantised network,
/// beyond the 128 pixels that its output can tell apart.
Status write_tflite_square_detector(const std::string& path,
                                    const TfliteSquareDetector& options = {});

}  // namespace osprey::support
