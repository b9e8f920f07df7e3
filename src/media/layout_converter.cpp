// SPDX-License-Identifier: Apache-2.0
#include "media/layout_converter.hpp"

#include <new>
#include <string>

#include "base/try.hpp"

extern "C" {
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>
}

namespace osprey::media {
namespace {

const int* coefficients_of(ColorMatrix matrix) {
  switch (matrix) {
    case ColorMatrix::kBt709:
      return sws_getCoefficients(SWS_CS_ITU709);
    case ColorMatrix::kBt2020:
      return sws_getCoefficients(SWS_CS_BT2020);
    case ColorMatrix::kBt601:
      break;
  }
  return sws_getCoefficients(SWS_CS_ITU601);
}

}  // namespace

Status LayoutConverter::prepare(const Layout& from, const Layout& to, int width, int height) {
  if (scaler_ && from == from_ && to == to_ && width == width_ && height == height_) return {};
  scaler_.reset(sws_alloc_context());
  if (!scaler_) throw std::bad_alloc();
  const int from_full = from.range == ColorRange::kFull ? 1 : 0;
  const int to_full = to.range == ColorRange::kFull ? 1 : 0;
  const auto set = [this](const char* option, std::int64_t value) {
    av_opt_set_int(scaler_.get(), option, value, 0);
  };
  set("srcw", width);
  set("srch", height);
  set("dstw", width);
  set("dsth", height);
  set("src_format", from.av_format);
  set("dst_format", to.av_format);
  // Before it is initialized: a context that was made for equal ranges copies planes as they are.
  set("src_range", from_full);
  set("dst_range", to_full);
  set("sws_flags", SWS_BILINEAR | SWS_ACCURATE_RND);
  if (sws_init_context(scaler_.get(), nullptr, nullptr) < 0) {
    scaler_.reset();
    const char* name = av_get_pix_fmt_name(static_cast<AVPixelFormat>(from.av_format));
    return Error{ErrorCode::kUnsupported,
                 std::string("pixel format ") + (name ? name : "?") + " cannot be converted"};
  }
  sws_setColorspaceDetails(scaler_.get(), coefficients_of(from.matrix), from_full,
                           coefficients_of(to.matrix), to_full, 0, 1 << 16, 1 << 16);
  from_ = from;
  to_ = to;
  width_ = width;
  height_ = height;
  return {};
}

Status LayoutConverter::convert(const Layout& from, const std::uint8_t* const* source,
                                const int* source_strides, const Layout& to,
                                std::uint8_t* const* destination, const int* strides, int width,
                                int height) {
  OSPREY_TRY(prepare(from, to, width, height));
  sws_scale(scaler_.get(), source, source_strides, 0, height, destination, strides);
  return {};
}

}  // namespace osprey::media
