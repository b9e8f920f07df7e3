// SPDX-License-Identifier: Apache-2.0
#include "vision/bilinear.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <opencv2/core/hal/intrin.hpp>

#if defined(__x86_64__)
#include <tmmintrin.h>
#endif

namespace osprey::vision {

namespace {

constexpr int kRowPadding = 16;  // samples; RowBlend promises it
constexpr int kWindow = 16;      // bytes one shuffle instruction chooses from
constexpr int kWindowGroup = 4;  // samples taken from one window
constexpr float kWeightOne = 2048;

struct Tap {
  int first;  // the neighbours are first and first + 1
  std::int16_t first_weight, second_weight;
};

// Float, and both weights rounded on their own, because cv::resize does so.
Tap tap_at(int index, const BilinearScaler::Axis& axis) {
  float position = static_cast<float>((index + 0.5) * axis.scale - 0.5 + axis.offset);
  const int first = static_cast<int>(std::floor(position));
  position -= static_cast<float>(first);
  return {first, static_cast<std::int16_t>(std::lrint((1.0f - position) * kWeightOne)),
          static_cast<std::int16_t>(std::lrint(position * kWeightOne))};
}

// Along a row neighbours outside of it have no weight; `first` leaves room for a second neighbour.
Tap tap_inside(int index, const BilinearScaler::Axis& axis, int size) {
  const Tap tap = tap_at(index, axis);
  if (size == 1 || tap.first < 0) return {0, 2048, 0};
  if (tap.first >= size - 1) return {size - 2, 0, 2048};
  return tap;
}

void scale_by_offsets(const std::uint8_t* row, const int* offsets, int pair_distance,
                      const std::int16_t* weights, int count, std::int16_t* out) {
  for (int i = 0; i < count; ++i, weights += 2) {
    const std::uint8_t* p = row + offsets[i];
    const int sum = p[0] * weights[0] + p[pair_distance] * weights[1];
    out[i] = static_cast<std::int16_t>(sum >> 4);
  }
}

#if defined(__x86_64__)
#define OSPREY_SHUFFLE_TARGET __attribute__((target("ssse3")))
bool can_shuffle() {
  return __builtin_cpu_supports("ssse3") != 0;
}
OSPREY_SHUFFLE_TARGET inline cv::v_uint8x16 shuffled(const std::uint8_t* bytes,
                                                     const cv::v_uint8x16& places) {
  return cv::v_uint8x16(_mm_shuffle_epi8(cv::v_load(bytes).val, places.val));
}
#elif defined(__aarch64__)
#define OSPREY_SHUFFLE_TARGET
bool can_shuffle() {
  return true;
}
inline cv::v_uint8x16 shuffled(const std::uint8_t* bytes, const cv::v_uint8x16& places) {
  return cv::v_uint8x16(vqtbl1q_u8(cv::v_load(bytes).val, places.val));
}
#endif

#if defined(OSPREY_SHUFFLE_TARGET)
// A sample's two neighbours are fetched by shuffling a 16-byte window: three times as fast as one
// load a neighbour.
OSPREY_SHUFFLE_TARGET void scale_by_windows(const std::uint8_t* row, const int* windows,
                                            const std::uint8_t* shuffle,
                                            const std::int16_t* weights, int count,
                                            std::int16_t* out) {
  for (int i = 0; i < count; i += 2 * kWindowGroup, shuffle += 16, weights += 16) {
    const cv::v_uint8x16 places = cv::v_load(shuffle);
    const cv::v_uint8x16 low = shuffled(row + windows[i / kWindowGroup], places);
    const cv::v_uint8x16 high = shuffled(row + windows[i / kWindowGroup + 1], places);
    const cv::v_int32x4 first =
        cv::v_dotprod(cv::v_reinterpret_as_s16(cv::v_expand_low(low)), cv::v_load(weights));
    const cv::v_int32x4 second =
        cv::v_dotprod(cv::v_reinterpret_as_s16(cv::v_expand_high(high)), cv::v_load(weights + 8));
    cv::v_store(out + i, cv::v_pack(cv::v_shr<4>(first), cv::v_shr<4>(second)));
  }
}
#else
bool can_shuffle() {
  return false;
}
void scale_by_windows(const std::uint8_t*, const int*, const std::uint8_t*, const std::int16_t*,
                      int, std::int16_t*) {}
#endif

}  // namespace

void BilinearScaler::reset(const SampleGrid& grid, int width, Axis x_axis, Axis y_axis) {
  grid_ = grid;
  y_axis_ = y_axis;
  pair_distance_ = grid.width > 1 ? grid.step : 0;
  const auto samples = static_cast<std::size_t>(width) * static_cast<std::size_t>(grid.channels);
  const std::size_t padded = (samples + kRowPadding - 1) / kRowPadding * kRowPadding;

  offsets_.resize(padded);
  weights_.resize(2 * padded);
  std::size_t i = 0;
  for (int x = 0; x < width; ++x) {
    const Tap tap = tap_inside(x, x_axis, grid.width);
    for (int c = 0; c < grid.channels; ++c, ++i) {
      offsets_[i] = tap.first * grid.step + grid.channel[static_cast<std::size_t>(c)];
      weights_[2 * i] = tap.first_weight;
      weights_[2 * i + 1] = tap.second_weight;
    }
  }
  for (; i < padded; ++i) {  // any valid place will do
    offsets_[i] = offsets_[samples - 1];
    weights_[2 * i] = weights_[2 * i + 1] = 0;
  }

  const int last_channel =
      *std::max_element(grid.channel.begin(), grid.channel.begin() + grid.channels);
  const int row_bytes = (grid.width - 1) * grid.step + last_channel + 1;
  has_windows_ = can_shuffle() && row_bytes >= kWindow;
  windows_.resize(padded / kWindowGroup);
  shuffle_.resize(2 * padded);
  for (std::size_t group = 0; has_windows_ && group < windows_.size(); ++group) {
    const auto first = offsets_.begin() + static_cast<std::ptrdiff_t>(group * kWindowGroup);
    const auto [left, right] = std::minmax_element(first, first + kWindowGroup);
    windows_[group] = std::min(*left, row_bytes - kWindow);
    has_windows_ = *right + pair_distance_ - windows_[group] < kWindow;
    for (std::size_t k = group * kWindowGroup; k < (group + 1) * kWindowGroup; ++k) {
      shuffle_[2 * k] = static_cast<std::uint8_t>(offsets_[k] - windows_[group]);
      shuffle_[2 * k + 1] = static_cast<std::uint8_t>(shuffle_[2 * k] + pair_distance_);
    }
  }

  for (CachedRow& row : rows_) {
    row.source_row = -1;
    row.samples.resize(padded);
  }
}

RowBlend BilinearScaler::row(int y) {
  const Tap tap = tap_at(y, y_axis_);
  int upper = std::clamp(tap.first, 0, grid_.height - 1);
  int lower = std::clamp(tap.first + 1, 0, grid_.height - 1);
  if (tap.second_weight == 0) lower = upper;
  if (tap.first_weight == 0) upper = lower;
  const std::int16_t* upper_samples = scaled_across(upper, lower);
  return {upper_samples, scaled_across(lower, upper), tap.first_weight, tap.second_weight};
}

// Rows are kept because neighbouring output rows share them. `keep` is not thrown out.
const std::int16_t* BilinearScaler::scaled_across(int source_row, int keep) {
  for (const CachedRow& row : rows_) {
    if (row.source_row == source_row) return row.samples.data();
  }
  CachedRow& row = rows_[0].source_row == keep ? rows_[1] : rows_[0];
  row.source_row = source_row;
  const std::uint8_t* source = grid_.data + static_cast<std::ptrdiff_t>(source_row) * grid_.stride;
  const int count = static_cast<int>(row.samples.size());
  if (has_windows_) {
    scale_by_windows(source, windows_.data(), shuffle_.data(), weights_.data(), count,
                     row.samples.data());
  } else {
    scale_by_offsets(source, offsets_.data(), pair_distance_, weights_.data(), count,
                     row.samples.data());
  }
  return row.samples.data();
}

}  // namespace osprey::vision
