// SPDX-License-Identifier: Apache-2.0
#include "media/frame_converter.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <utility>

#include "media/test_pictures.hpp"

extern "C" {
#include <libavutil/display.h>
#include <libavutil/frame.h>
#include <libavutil/pixdesc.h>
}

namespace osprey::media {
namespace {

using testing_support::color_at;
using testing_support::is_near;
using testing_support::Rgb;

AvPtr<AVFrame> blank(AVPixelFormat format, int width, int height) {
  AvPtr<AVFrame> frame = make_frame();
  frame->format = format;
  frame->width = width;
  frame->height = height;
  EXPECT_EQ(av_frame_get_buffer(frame.get(), 0), 0);
  return frame;
}

/// Every sample of every plane tells where it is.
AvPtr<AVFrame> marked(AVPixelFormat format, int width, int height) {
  AvPtr<AVFrame> frame = blank(format, width, height);
  const AVPixFmtDescriptor* layout = av_pix_fmt_desc_get(format);
  for (int plane = 0; plane < av_pix_fmt_count_planes(format); ++plane) {
    const int w = plane ? AV_CEIL_RSHIFT(width, layout->log2_chroma_w) : width;
    const int h = plane ? AV_CEIL_RSHIFT(height, layout->log2_chroma_h) : height;
    const int bytes = w * layout->comp[0].step;
    for (int y = 0; y < h; ++y) {
      for (int x = 0; x < bytes; ++x) {
        frame->data[plane][y * frame->linesize[plane] + x] =
            static_cast<std::uint8_t>(16 + (x * 7 + y * 31 + plane * 101) % 200);
      }
    }
  }
  return frame;
}

struct Layout {
  AVPixelFormat av;
  PixelFormat ours;
};

TEST(FrameConverter, a_layout_that_image_has_is_shared_and_not_copied) {
  for (const Layout& layout : {Layout{AV_PIX_FMT_GRAY8, PixelFormat::kGray8},
                               Layout{AV_PIX_FMT_BGR24, PixelFormat::kBgr24},
                               Layout{AV_PIX_FMT_RGB24, PixelFormat::kRgb24},
                               Layout{AV_PIX_FMT_YUV420P, PixelFormat::kI420},
                               Layout{AV_PIX_FMT_YUVJ420P, PixelFormat::kI420},
                               Layout{AV_PIX_FMT_YUV422P, PixelFormat::kI422},
                               Layout{AV_PIX_FMT_YUV444P, PixelFormat::kI444},
                               Layout{AV_PIX_FMT_YUVA420P, PixelFormat::kI420},
                               Layout{AV_PIX_FMT_NV12, PixelFormat::kNv12}}) {
    SCOPED_TRACE(av_get_pix_fmt_name(layout.av));
    AvPtr<AVFrame> frame = marked(layout.av, 33, 17);
    const std::array<const std::uint8_t*, 3> data{frame->data[0], frame->data[1], frame->data[2]};
    const auto image = FrameConverter().convert(std::move(frame), {});
    ASSERT_TRUE(image.ok());
    EXPECT_EQ(image->format, layout.ours);
    EXPECT_EQ(image->width, 33);
    EXPECT_EQ(image->height, 17);
    for (std::size_t plane = 0; plane < 3; ++plane) {
      EXPECT_EQ(image->planes[plane].data, data[plane]);
    }
  }
}

TEST(FrameConverter, another_layout_becomes_the_nearest_one) {
  for (const Layout& layout :
       {Layout{AV_PIX_FMT_YUV420P10LE, PixelFormat::kI420},
        Layout{AV_PIX_FMT_P010LE, PixelFormat::kI420},
        Layout{AV_PIX_FMT_YUV422P10LE, PixelFormat::kI422},
        Layout{AV_PIX_FMT_YUYV422, PixelFormat::kI422},
        Layout{AV_PIX_FMT_YUV411P, PixelFormat::kI422},
        Layout{AV_PIX_FMT_YUV410P, PixelFormat::kI420},
        Layout{AV_PIX_FMT_YUV440P, PixelFormat::kI444},
        Layout{AV_PIX_FMT_YUV444P12LE, PixelFormat::kI444},
        Layout{AV_PIX_FMT_GRAY10LE, PixelFormat::kGray8},
        Layout{AV_PIX_FMT_YA8, PixelFormat::kGray8},
        Layout{AV_PIX_FMT_MONOBLACK, PixelFormat::kGray8},
        Layout{AV_PIX_FMT_GBRP, PixelFormat::kBgr24}, Layout{AV_PIX_FMT_BGRA, PixelFormat::kBgr24},
        Layout{AV_PIX_FMT_PAL8, PixelFormat::kBgr24},
        Layout{AV_PIX_FMT_RGB48LE, PixelFormat::kBgr24}}) {
    SCOPED_TRACE(av_get_pix_fmt_name(layout.av));
    AvPtr<AVFrame> frame = blank(layout.av, 34, 18);
    for (int plane = 0; plane < 4 && frame->buf[plane]; ++plane) {
      std::memset(frame->buf[plane]->data, 0, frame->buf[plane]->size);
    }
    const auto image = FrameConverter().convert(std::move(frame), {});
    ASSERT_TRUE(image.ok()) << image.error().message;
    EXPECT_EQ(image->format, layout.ours);
    EXPECT_EQ(image->width, 34);
    EXPECT_EQ(image->height, 18);
  }
}

TEST(FrameConverter, ten_bits_become_eight_of_the_same_meaning_in_either_range) {
  for (const AVColorRange range : {AVCOL_RANGE_MPEG, AVCOL_RANGE_JPEG}) {
    AvPtr<AVFrame> frame = blank(AV_PIX_FMT_YUV420P10LE, 32, 32);
    frame->color_range = range;
    for (int plane = 0; plane < 3; ++plane) {
      const int size = plane ? 16 : 32;
      for (int y = 0; y < size; ++y) {
        auto* row =
            reinterpret_cast<std::uint16_t*>(frame->data[plane] + y * frame->linesize[plane]);
        std::fill_n(row, size, static_cast<std::uint16_t>(plane == 0 ? 800 : 300 + 200 * plane));
      }
    }
    const auto image = FrameConverter().convert(std::move(frame), {});
    ASSERT_TRUE(image.ok());
    EXPECT_EQ(image->range, range == AVCOL_RANGE_JPEG ? ColorRange::kFull : ColorRange::kLimited);
    EXPECT_NEAR(image->planes[0].data[5], 200, 1);
    EXPECT_NEAR(image->planes[1].data[5], 125, 1);
    EXPECT_NEAR(image->planes[2].data[5], 175, 1);
  }
}

TEST(FrameConverter, rows_that_go_upwards_in_memory_come_out_downwards) {
  AvPtr<AVFrame> frame = marked(AV_PIX_FMT_BGR24, 20, 10);
  const std::uint8_t first = frame->data[0][0];
  const std::uint8_t last = frame->data[0][9 * frame->linesize[0]];
  frame->data[0] += 9 * frame->linesize[0];
  frame->linesize[0] = -frame->linesize[0];
  const auto image = FrameConverter().convert(std::move(frame), {});
  ASSERT_TRUE(image.ok());
  EXPECT_GT(image->planes[0].stride, 0);
  EXPECT_EQ(image->planes[0].data[0], last);
  EXPECT_EQ(image->planes[0].data[9 * image->planes[0].stride], first);
}

TEST(FrameConverter, colours_keep_the_meaning_the_frame_says) {
  const auto colors = [](AVPixelFormat format, AVColorSpace space, AVColorRange range) {
    AvPtr<AVFrame> frame = blank(format, 16, 16);
    frame->colorspace = space;
    frame->color_range = range;
    const auto image = FrameConverter().convert(std::move(frame), {});
    return std::pair(image->matrix, image->range);
  };
  const auto pair = [](ColorMatrix matrix, ColorRange range) { return std::pair(matrix, range); };
  EXPECT_EQ(colors(AV_PIX_FMT_YUV420P, AVCOL_SPC_UNSPECIFIED, AVCOL_RANGE_UNSPECIFIED),
            pair(ColorMatrix::kBt601, ColorRange::kLimited));
  EXPECT_EQ(colors(AV_PIX_FMT_YUV420P, AVCOL_SPC_BT709, AVCOL_RANGE_JPEG),
            pair(ColorMatrix::kBt709, ColorRange::kFull));
  EXPECT_EQ(colors(AV_PIX_FMT_YUV420P10LE, AVCOL_SPC_BT2020_NCL, AVCOL_RANGE_MPEG),
            pair(ColorMatrix::kBt2020, ColorRange::kLimited));
  EXPECT_EQ(colors(AV_PIX_FMT_YUVJ422P, AVCOL_SPC_BT470BG, AVCOL_RANGE_UNSPECIFIED),
            pair(ColorMatrix::kBt601, ColorRange::kFull));
  EXPECT_EQ(colors(AV_PIX_FMT_GRAY8, AVCOL_SPC_UNSPECIFIED, AVCOL_RANGE_UNSPECIFIED).second,
            ColorRange::kFull);
}

TEST(FrameConverter, images_outlive_their_converter_and_do_not_share_memory) {
  std::vector<Image> images;
  {
    FrameConverter converter;
    for (int n = 0; n < 3; ++n) {
      AvPtr<AVFrame> frame = blank(AV_PIX_FMT_GRAY16LE, 16, 16);
      for (int y = 0; y < 16; ++y) {
        std::memset(frame->data[0] + y * frame->linesize[0], 50 * (n + 1), 32);
      }
      images.push_back(*converter.convert(std::move(frame), {}));
    }
  }
  for (int n = 0; n < 3; ++n) {
    EXPECT_NEAR(images[static_cast<std::size_t>(n)].planes[0].data[0], 50 * (n + 1), 1);
  }
}

/// Compares every pixel with where the plain formula finds it in the stored picture.
void check_turn(AVPixelFormat format, Orientation orientation) {
  const int width = 34, height = 22;
  AvPtr<AVFrame> frame = marked(format, width, height);
  AvPtr<AVFrame> copy(av_frame_clone(frame.get()));
  const auto stored = FrameConverter().convert(std::move(copy), {});
  const auto image = FrameConverter().convert(std::move(frame), orientation);
  ASSERT_TRUE(image.ok());
  ASSERT_EQ(image->width, orientation.swaps_sides() ? height : width);
  ASSERT_EQ(image->height, orientation.swaps_sides() ? width : height);
  // Such chroma is resampled; a test of its own looks at it.
  const bool keeps_chroma = format != AV_PIX_FMT_YUV422P || !orientation.swaps_sides();
  const bool has_luma = format != AV_PIX_FMT_BGR24 && format != AV_PIX_FMT_RGB24;
  for (int y = 0; y < image->height; ++y) {
    for (int x = 0; x < image->width; ++x) {
      // Back through the clockwise quarter turns, then through the flip.
      int from_x = x, from_y = y, w = image->width, h = image->height;
      for (int n = 0; n < orientation.quarter_turns; ++n) {
        const int before_x = from_y;
        from_y = w - 1 - from_x;
        from_x = before_x;
        std::swap(w, h);
      }
      if (orientation.flip) from_y = height - 1 - from_y;
      if (keeps_chroma) {
        ASSERT_TRUE(is_near(color_at(*image, x, y), color_at(*stored, from_x, from_y), 0))
            << x << ", " << y;
      }
      if (has_luma) {
        ASSERT_EQ(image->planes[0].data[y * image->planes[0].stride + x],
                  stored->planes[0].data[from_y * stored->planes[0].stride + from_x]);
      }
    }
  }
}

TEST(FrameConverter, turning_puts_every_sample_where_the_plain_formula_does) {
  for (const AVPixelFormat format :
       {AV_PIX_FMT_GRAY8, AV_PIX_FMT_BGR24, AV_PIX_FMT_RGB24, AV_PIX_FMT_YUV420P,
        AV_PIX_FMT_YUV422P, AV_PIX_FMT_YUV444P, AV_PIX_FMT_NV12}) {
    for (const bool flip : {false, true}) {
      for (int turns = 0; turns < 4; ++turns) {
        SCOPED_TRACE(std::string(av_get_pix_fmt_name(format)) + (flip ? ", flipped, " : ", ") +
                     std::to_string(turns) + " quarter turns");
        check_turn(format, {flip, turns});
      }
    }
  }
}

TEST(FrameConverter, four_two_two_keeps_its_chroma_through_a_quarter_turn) {
  AvPtr<AVFrame> frame = blank(AV_PIX_FMT_YUV422P, 32, 16);
  for (int plane = 0; plane < 3; ++plane) {
    for (int y = 0; y < 16; ++y) {
      // Red above, blue below.
      const int sample = plane == 0 ? 90 : (plane == 1) == (y < 8) ? 90 : 200;
      std::memset(frame->data[plane] + y * frame->linesize[plane], sample, plane == 0 ? 32 : 16);
    }
  }
  AvPtr<AVFrame> copy(av_frame_clone(frame.get()));
  const auto stored = FrameConverter().convert(std::move(copy), {});
  const auto image = FrameConverter().convert(std::move(frame), {false, 1});
  ASSERT_TRUE(image.ok());
  EXPECT_EQ(image->format, PixelFormat::kI444);
  EXPECT_TRUE(is_near(color_at(*image, 14, 5), color_at(*stored, 5, 1), 1));
  EXPECT_TRUE(is_near(color_at(*image, 2, 5), color_at(*stored, 5, 13), 1));
}

TEST(Orientation, is_read_from_the_matrix_that_ffmpeg_makes) {
  for (int degrees = 0; degrees < 360; degrees += 90) {
    for (const bool mirrored : {false, true}) {
      std::array<std::int32_t, 9> matrix{};
      av_display_rotation_set(matrix.data(), degrees);
      if (mirrored) av_display_matrix_flip(matrix.data(), 0, 1);
      const Orientation orientation = orientation_of(matrix);
      EXPECT_EQ(orientation.flip, mirrored);
      // FFmpeg mirrors what is turned already, Orientation turns what is mirrored: the other way.
      EXPECT_EQ(orientation.quarter_turns * 90, mirrored ? (360 - degrees) % 360 : degrees);
    }
  }
}

TEST(Orientation, an_angle_between_goes_to_the_nearest_quarter) {
  std::array<std::int32_t, 9> matrix{};
  av_display_rotation_set(matrix.data(), 80);
  EXPECT_EQ(orientation_of(matrix), (Orientation{false, 1}));
}

TEST(Orientation, a_matrix_of_zeros_turns_nothing) {
  EXPECT_TRUE(orientation_of(std::array<std::int32_t, 9>{}).upright());
}

}  // namespace
}  // namespace osprey::media
