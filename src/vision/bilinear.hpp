// SPDX-License-Identifier: Apache-2.0
// One plane scaled bilinearly, row by row, in the fixed-point arithmetic of cv::resize.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace osprey::vision {

/// A scaled row before its vertical blend: sample i is
/// (upper[i] * upper_weight + lower[i] * lower_weight) / (128 * 2048), where the rows hold samples
/// times 128 (0..32640) and the weights add up to 2048. The rows are padded to a multiple of 16
/// samples, so that kernels need no tail.
struct RowBlend {
  const std::int16_t* upper = nullptr;
  const std::int16_t* lower = nullptr;
  std::int16_t upper_weight = 0;
  std::int16_t lower_weight = 0;
};

/// The samples of a plane that one scaler reads. Nothing outside of the rows' samples is touched.
struct SampleGrid {
  const std::uint8_t* data = nullptr;
  int stride = 0;                          ///< bytes from a row to the next; may be negative
  int width = 0;                           ///< pixels, > 0
  int height = 0;                          ///< pixels, > 0
  int step = 1;                            ///< bytes from a pixel to the next
  int channels = 1;                        ///< 1..3 samples taken of each pixel
  std::array<std::uint8_t, 3> channel{0};  ///< their bytes inside the pixel, in output order
};

/// Scales with half-pixel centres and edges repeated; weights are rounded to 1/2048 the way
/// cv::resize does for INTER_LINEAR, so that pack_row() of a row gives the bytes it gives.
/// Keeps its memory from one reset() to the next. Threads: one at a time.
class BilinearScaler {
 public:
  /// How an output pixel's place becomes one on the grid: grid pixels per output pixel, and where
  /// on the grid the output's left (or upper) edge lies.
  struct Axis {
    double scale = 1;
    double offset = 0;
  };

  /// Output rows have `width` pixels of grid.channels samples. Cost: one pass over an output row.
  void reset(const SampleGrid& grid, int width, Axis x_axis, Axis y_axis);

  /// Output row `y` >= 0; valid until the next call. Cheapest when asked in ascending order: each
  /// source row is then scaled across once.
  RowBlend row(int y);

 private:
  const std::int16_t* scaled_across(int source_row, int keep);

  SampleGrid grid_;
  Axis y_axis_;
  int pair_distance_ = 0;  ///< bytes between a sample's two neighbours

  std::vector<int> offsets_;           ///< left neighbour's byte in the source row, a sample
  std::vector<std::int16_t> weights_;  ///< left and right, a sample
  bool has_windows_ = false;           ///< every 4 neighbouring samples come from 16 source bytes
  std::vector<int> windows_;           ///< first byte of those, for every 4 samples
  std::vector<std::uint8_t> shuffle_;  ///< left and right neighbour's place in the window, a sample

  struct CachedRow {
    int source_row = -1;
    std::vector<std::int16_t> samples;
  };
  std::array<CachedRow, 2> rows_;
};

}  // namespace osprey::vision
