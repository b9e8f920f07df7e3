// SPDX-License-Identifier: Apache-2.0
// Small real networks, written at test time, whose answers are known.
#pragma once

#include <osprey/result.hpp>

#include <string>
#include <vector>

namespace osprey::support {

enum class SpotHead {
  kChannelsFirst,  ///< "output0" [1, 4+3, N]: cx, cy, w, h, class scores
  kRows,           ///< "output0" [1, N, 5+3]: cx, cy, w, h, objectness, class scores
  kEndToEnd,       ///< "output0" [1, min(N, 100), 6]: x1, y1, x2, y2, score, class; best first
};

struct SpotDetector {
  int width = 128, height = 128;  ///< of the input, pixels; multiples of 8
  SpotHead head = SpotHead::kChannelsFirst;
  bool dynamic = false;  ///< batch, height and width are left open (100 rows with kEndToEnd)
  /// Metadata "names", as Ultralytics writes it; empty: none. The network always has three classes,
  /// so that another count makes a faulty model.
  std::vector<std::string> names = {"red", "green", "blue"};
  bool broken = false;  ///< no value of the output is a number
};

/// A detector of axis-aligned rectangles in pure red (class 0), green (1) or blue (2) on dark or
/// gray. Input "images" [1, 3, height, width], RGB, 0..1, as Ultralytics' exports have it.
///
/// It has one candidate for each cell of 8x8 pixels (N = width/8 * height/8), computed with three
/// convolutions from the moments of each colour in the 56x56 pixels around the cell. So, for a
/// rectangle with sides of 6..48 input pixels and no other of its colour within 32 pixels of its
/// centre in both directions:
/// - the cell in which its centre lies reports it with a score above 0.7, the others (but a
///   neighbour, with the same box, when the centre is within 0.5 pixels of the border to it) report
///   less than 0.1 for its class;
/// - the box is exact to 0.1 pixels when the rectangle lies on whole input pixels unscaled, and to
///   1.5 pixels after scaling or JPEG compression, which blur its edges.
///
/// A background without such rectangles gives scores below 0.01. White, gray, yellow, cyan and
/// magenta are background. Cost: about 4 million multiply-adds at 128x128.
///
/// Errors: the file cannot be written; a size that is no multiple of 8.
Status write_spot_detector(const std::string& path, const SpotDetector& options = {});

/// Outputs of `write_quantized_differences` are whole multiples of this.
inline constexpr float kDifferenceStep = 1.f / 100;

/// Colour differences in INT8, in the form that quantisation tools write (QuantizeLinear and
/// DequantizeLinear about each operation; u8 activations, i8 weights): "images"
/// [1, 3, height, width], RGB, 0..1, rounded to steps of 1/255 -> "output0" of the same shape:
/// red - green, green - blue, blue - red.
Status write_quantized_differences(const std::string& path, int width, int height);

/// A classifier: "images" [1, 3, 64, 64] -> "output0" [1, 1000]. Metadata "task" unless empty.
Status write_classifier(const std::string& path, const std::string& task = "");

/// The metadata.yaml that Ultralytics puts beside models whose format has no place for it.
Status write_metadata_file(const std::string& path, const std::vector<std::string>& names);

}  // namespace osprey::support
