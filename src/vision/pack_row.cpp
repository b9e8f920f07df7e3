// SPDX-License-Identifier: Apache-2.0
#include "vision/pack_row.hpp"

#include <cmath>
#include <cstddef>
#include <cstring>
#include <opencv2/core/hal/intrin.hpp>

namespace osprey::vision {

namespace {

using cv::v_int16x8;
using cv::v_uint8x16;

constexpr int kBlock = 16;  // samples a step; RowBlend's padding

// Two rows' blend with `kExtraBits` more fraction bits than cv::resize's two.
template <int kExtraBits>
class Blend {
 public:
  explicit Blend(const RowBlend& row)
      : row_(row),
        upper_(cv::v_setall_s16(static_cast<std::int16_t>(row.upper_weight << kExtraBits))),
        lower_(cv::v_setall_s16(static_cast<std::int16_t>(row.lower_weight << kExtraBits))) {}

  v_int16x8 at(int x) const {
    return cv::v_add_wrap(cv::v_mul_hi(cv::v_load(row_.upper + x), upper_),
                          cv::v_mul_hi(cv::v_load(row_.lower + x), lower_));
  }

  v_uint8x16 bytes_at(int x) const { return cv::v_rshr_pack_u<2 + kExtraBits>(at(x), at(x + 8)); }

 private:
  RowBlend row_;
  v_int16x8 upper_, lower_;
};

// Calls store(x, place) for blocks of 16 pixels; the last block goes through a buffer when the row
// ends inside it.
template <int kBytesPerPixel, typename Store>
void for_blocks(int width, std::uint8_t* out, const Store& store) {
  int x = 0;
  for (; x + kBlock <= width; x += kBlock) store(x, out + std::ptrdiff_t{x} * kBytesPerPixel);
  if (x == width) return;
  std::uint8_t block[kBlock * kBytesPerPixel];
  store(x, block);
  std::memcpy(out + std::ptrdiff_t{x} * kBytesPerPixel, block,
              static_cast<std::size_t>(width - x) * kBytesPerPixel);
}

}  // namespace

YuvToRgb YuvToRgb::of(ColorMatrix matrix, ColorRange range) {
  double kr = 0.299, kb = 0.114;
  if (matrix == ColorMatrix::kBt709) kr = 0.2126, kb = 0.0722;
  if (matrix == ColorMatrix::kBt2020) kr = 0.2627, kb = 0.0593;
  const double kg = 1 - kr - kb;
  const bool limited = range == ColorRange::kLimited;
  const double luma = limited ? 255.0 / 219 : 1;
  const double chroma = limited ? 255.0 / 224 : 1;
  const auto fixed = [](double v, int bits) {
    return static_cast<std::int16_t>(std::lround(std::ldexp(v, bits)));
  };
  return {.luma_offset = static_cast<std::int16_t>(limited ? 16 : 0),
          .luma = fixed(luma, 14),
          .red_v = fixed(2 * (1 - kr) * chroma, 13),
          .green_u = fixed(-2 * (1 - kb) * kb / kg * chroma, 13),
          .green_v = fixed(-2 * (1 - kr) * kr / kg * chroma, 13),
          .blue_u = fixed(2 * (1 - kb) * chroma, 13)};
}

void pack_row(const RowBlend& samples, int count, std::uint8_t* out) {
  const Blend<0> blend(samples);
  for_blocks<1>(count, out,
                [&](int x, std::uint8_t* place) { cv::v_store(place, blend.bytes_at(x)); });
}

void pack_gray_row(const RowBlend& gray, int width, std::uint8_t* out) {
  const Blend<0> blend(gray);
  for_blocks<3>(width, out, [&](int x, std::uint8_t* place) {
    const v_uint8x16 bytes = blend.bytes_at(x);
    cv::v_store_interleave(place, bytes, bytes, bytes);
  });
}

void pack_yuv_row(const RowBlend& y_row, const RowBlend& u_row, const RowBlend& v_row,
                  const YuvToRgb& matrix, PackedOrder order, int width, std::uint8_t* out) {
  // Blends have 5 fraction bits. They are shifted up to fill 16 bits, so that the high half of the
  // product with a coefficient has 5 again.
  constexpr int kBits = 5;
  const Blend<kBits - 2> y_blend(y_row), u_blend(u_row), v_blend(v_row);
  const v_int16x8 luma_offset =
      cv::v_setall_s16(static_cast<std::int16_t>(matrix.luma_offset << kBits));
  const v_int16x8 chroma_offset = cv::v_setall_s16(128 << kBits);
  const v_int16x8 luma = cv::v_setall_s16(matrix.luma);
  const v_int16x8 red_v = cv::v_setall_s16(matrix.red_v);
  const v_int16x8 green_u = cv::v_setall_s16(matrix.green_u);
  const v_int16x8 green_v = cv::v_setall_s16(matrix.green_v);
  const v_int16x8 blue_u = cv::v_setall_s16(matrix.blue_u);

  const auto convert = [&](int x, v_int16x8& r, v_int16x8& g, v_int16x8& b) {
    const v_int16x8 y =
        cv::v_mul_hi(cv::v_shl<2>(cv::v_sub_wrap(y_blend.at(x), luma_offset)), luma);
    const v_int16x8 u = cv::v_shl<3>(cv::v_sub_wrap(u_blend.at(x), chroma_offset));
    const v_int16x8 v = cv::v_shl<3>(cv::v_sub_wrap(v_blend.at(x), chroma_offset));
    r = cv::v_add_wrap(y, cv::v_mul_hi(v, red_v));
    g = cv::v_add_wrap(y, cv::v_add_wrap(cv::v_mul_hi(u, green_u), cv::v_mul_hi(v, green_v)));
    b = cv::v_add_wrap(y, cv::v_mul_hi(u, blue_u));
  };
  for_blocks<3>(width, out, [&](int x, std::uint8_t* place) {
    v_int16x8 r0, g0, b0, r1, g1, b1;
    convert(x, r0, g0, b0);
    convert(x + 8, r1, g1, b1);
    const v_uint8x16 r = cv::v_rshr_pack_u<kBits>(r0, r1);
    const v_uint8x16 g = cv::v_rshr_pack_u<kBits>(g0, g1);
    const v_uint8x16 b = cv::v_rshr_pack_u<kBits>(b0, b1);
    if (order == PackedOrder::kRgb) {
      cv::v_store_interleave(place, r, g, b);
    } else {
      cv::v_store_interleave(place, b, g, r);
    }
  });
}

}  // namespace osprey::vision
