// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>
#include <string>
#include <vector>

#include "media/picture_kind.hpp"
#include "media/source.hpp"
#include "media/test_pictures.hpp"

namespace osprey::media {
namespace {

using namespace std::string_literals;
using namespace testing_support;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<char> encoded(const std::string& extension, unsigned number) {
  const Image image = numbered_picture(128, 96, number);
  const cv::Mat pixels(image.height, image.width, CV_8UC3,
                       const_cast<std::uint8_t*>(image.planes[0].data),
                       static_cast<std::size_t>(image.planes[0].stride));
  std::vector<std::uint8_t> bytes;
  EXPECT_TRUE(cv::imencode(extension, pixels, bytes));
  return {bytes.begin(), bytes.end()};
}

/// A JPEG whose EXIF data tells how it has to be turned: 1..8.
std::vector<char> with_orientation(std::vector<char> jpeg, char orientation) {
  const std::string exif = "\xFF\xE1\x00\x22"s + "Exif\0\0"s + "MM\0*\0\0\0\x08"s +
                           "\0\x01\x01\x12\0\x03\0\0\0\x01\0"s + orientation + "\0\0\0\0\0\0"s;
  jpeg.insert(jpeg.begin() + 2, exif.begin(), exif.end());
  return jpeg;
}

class PictureSource : public ::testing::Test {
 protected:
  std::unique_ptr<Source> open(const std::string& uri, const SourceOptions& options = {}) {
    auto source = Source::open(uri, 2, options);
    if (source.ok()) return *std::move(source);
    ADD_FAILURE() << source.error().message;
    return nullptr;
  }

  static std::vector<Frame> read_all(Source& source) {
    std::vector<Frame> frames;
    for (;;) {
      auto frame = source.read();
      EXPECT_TRUE(frame.ok());
      if (!frame.ok() || !frame->has_value()) return frames;
      frames.push_back(**std::move(frame));
    }
  }

  /// The numbers seen in a source's pictures.
  std::vector<unsigned> numbers(const std::string& uri, const SourceOptions& options = {}) {
    std::vector<unsigned> found;
    const auto source = open(uri, options);
    if (!source) return found;
    for (const Frame& frame : read_all(*source)) found.push_back(number_in(frame.image));
    return found;
  }

  Error open_error(const std::string& uri) {
    auto source = Source::open(uri, 0, {});
    if (!source.ok()) return source.error();
    ADD_FAILURE() << uri << " could be opened";
    return {};
  }

  TemporaryFolder folder_;
};

TEST_F(PictureSource, one_picture_is_one_frame) {
  for (const char* extension : {".jpg", ".png", ".bmp", ".webp", ".tiff", ".ppm"}) {
    const std::string path = folder_ / "picture" + extension;
    write_bytes(path, encoded(extension, 77));
    const auto source = open(path);
    ASSERT_TRUE(source);
    EXPECT_TRUE(source->info().pictures);
    EXPECT_FALSE(source->info().live);
    EXPECT_EQ(source->info().width, 128);
    EXPECT_EQ(source->info().height, 96);
    EXPECT_EQ(source->info().frame_count, 1);
    EXPECT_EQ(source->info().uri, path);
    const auto frames = read_all(*source);
    ASSERT_EQ(frames.size(), 1U);
    EXPECT_EQ(frames[0].id, (FrameId{2, 0}));
    EXPECT_EQ(frames[0].path, path);
    EXPECT_EQ(frames[0].timestamp, Timestamp{});
    EXPECT_EQ(frames[0].image.format, PixelFormat::kBgr24);
    EXPECT_EQ(number_in(frames[0].image), 77U);
    EXPECT_TRUE(shows_corners(frames[0].image, 6)) << extension;
    EXPECT_EQ(source->health().damaged, 0U);
  }
}

TEST_F(PictureSource, pixels_are_those_of_imread) {
  const std::string path = folder_ / "a.jpg";
  for (char orientation = 1; orientation <= 8; ++orientation) {
    write_bytes(path, with_orientation(encoded(".jpg", 5), orientation));
    const cv::Mat expected = cv::imread(path, cv::IMREAD_COLOR);
    const auto frames = read_all(*open(path));
    ASSERT_EQ(frames.size(), 1U);
    const Image& image = frames[0].image;
    ASSERT_EQ(cv::Size(image.width, image.height), expected.size());
    const cv::Mat got(expected.size(), CV_8UC3, const_cast<std::uint8_t*>(image.planes[0].data),
                      static_cast<std::size_t>(image.planes[0].stride));
    EXPECT_EQ(cv::norm(got, expected, cv::NORM_INF), 0);
    if (orientation == 6) {
      EXPECT_EQ(image.width, 96) << "the camera was held upright";
      EXPECT_TRUE(is_near(color_at(image, 90, 5), kTopLeft, 10));
    }
  }
}

TEST_F(PictureSource, a_picture_is_known_by_its_first_bytes_whatever_its_name) {
  write_bytes(folder_ / "jpeg.png", encoded(".jpg", 1));
  write_bytes(folder_ / "png.dat", encoded(".png", 2));
  write_bytes(folder_ / "webp", encoded(".webp", 3));
  EXPECT_THAT(numbers(folder_ / "jpeg.png"), ElementsAre(1));
  EXPECT_THAT(numbers(folder_ / "png.dat"), ElementsAre(2));
  EXPECT_THAT(numbers(folder_ / "webp"), ElementsAre(3));
}

TEST_F(PictureSource, jpegs_one_after_the_other_are_a_video_if_named_so) {
  std::vector<char> bytes;
  for (unsigned n = 0; n < 4; ++n) {
    const auto jpeg = encoded(".jpg", n);
    bytes.insert(bytes.end(), jpeg.begin(), jpeg.end());
  }
  write_bytes(folder_ / "stream.mjpeg", bytes);
  EXPECT_FALSE(open(folder_ / "stream.mjpeg")->info().pictures);
  EXPECT_THAT(numbers(folder_ / "stream.mjpeg"), ElementsAre(0, 1, 2, 3));
}

TEST_F(PictureSource, a_folder_gives_its_pictures_in_natural_order_and_passes_over_the_rest) {
  write_bytes(folder_ / "img10.jpg", encoded(".jpg", 10));
  write_bytes(folder_ / "img2.png", encoded(".png", 2));
  write_bytes(folder_ / "img1", encoded(".bmp", 1));
  write_bytes(folder_ / ".img3.jpg", encoded(".jpg", 3));
  write_text(folder_ / "labels.txt", "0 0.5 0.5 1 1");
  write_text(folder_ / "clip.mp4", "not looked into");
  std::filesystem::create_directory(folder_ / "more");
  const auto source = open(folder_.path());
  ASSERT_TRUE(source);
  EXPECT_EQ(source->info().frame_count, 3);
  EXPECT_TRUE(source->info().pictures);
  EXPECT_EQ(source->info().width, 128);
  std::vector<std::string> paths;
  std::uint64_t sequence = 0;
  for (const Frame& frame : read_all(*source)) {
    EXPECT_EQ(frame.id.sequence, sequence++);
    paths.push_back(frame.path);
  }
  EXPECT_THAT(paths, ElementsAre(folder_ / "img1", folder_ / "img2.png", folder_ / "img10.jpg"));
  EXPECT_EQ(source->health().passed_over, 2U);
  EXPECT_EQ(source->health().damaged, 0U);
}

TEST_F(PictureSource, a_folder_may_be_named_with_a_slash_at_its_end) {
  write_bytes(folder_ / "a.jpg", encoded(".jpg", 4));
  const auto frames = read_all(*open(folder_.path().string() + "/"));
  ASSERT_EQ(frames.size(), 1U);
  EXPECT_EQ(frames[0].path, folder_ / "a.jpg");
}

TEST_F(PictureSource, a_glob_gives_what_it_matches) {
  std::filesystem::create_directory(folder_ / "sub");
  write_bytes(folder_ / "a9.jpg", encoded(".jpg", 9));
  write_bytes(folder_ / "a12.jpg", encoded(".jpg", 12));
  write_bytes(folder_ / "b1.png", encoded(".png", 1));
  write_bytes(folder_ / "sub/a3.jpg", encoded(".jpg", 3));
  EXPECT_THAT(numbers(folder_ / "*.jpg"), ElementsAre(9, 12));
  EXPECT_THAT(numbers(folder_ / "**/a*.jpg"), ElementsAre(9, 12, 3));
  EXPECT_EQ(open_error(folder_ / "*.gif").code, ErrorCode::kNotFound);
  EXPECT_THAT(open_error(folder_ / "*.gif").message, HasSubstr("*.gif: no file matches"));
}

TEST_F(PictureSource, a_file_of_that_very_name_goes_before_a_glob) {
  write_bytes(folder_ / "a[1].jpg", encoded(".jpg", 8));
  write_bytes(folder_ / "a1.jpg", encoded(".jpg", 1));
  EXPECT_THAT(numbers(folder_ / "a[1].jpg"), ElementsAre(8));
}

TEST_F(PictureSource, a_stride_is_for_videos_and_leaves_no_picture_out) {
  for (unsigned n = 0; n < 4; ++n) {
    write_bytes(folder_ / std::to_string(n) + ".png", encoded(".png", n));
  }
  SourceOptions options;
  options.vid_stride = 3;
  EXPECT_THAT(numbers(folder_.path(), options), ElementsAre(0, 1, 2, 3));
  EXPECT_EQ(open(folder_.path(), options)->info().frame_count, 4);
}

TEST_F(PictureSource, damaged_pictures_of_a_folder_are_counted_and_passed_over) {
  write_text(folder_ / "a.jpg", "");
  write_text(folder_ / "b.png", "\x89PNG\r\n\x1A\n and then nothing");
  write_bytes(folder_ / "c.jpg", encoded(".jpg", 30));
  write_text(folder_ / "d.bmp", "no picture at all");
  const auto source = open(folder_.path());
  ASSERT_TRUE(source);
  EXPECT_EQ(source->health().damaged, 2U);
  EXPECT_EQ(source->health().first_damage, folder_ / "a.jpg" + ": the file is empty");
  const auto frames = read_all(*source);
  ASSERT_EQ(frames.size(), 1U);
  EXPECT_EQ(frames[0].id.sequence, 0U);
  EXPECT_EQ(number_in(frames[0].image), 30U);
  EXPECT_EQ(source->health().damaged, 3U);
}

TEST_F(PictureSource, a_jpeg_that_was_cut_short_is_given_as_far_as_it_goes_and_counted) {
  std::vector<char> bytes = encoded(".jpg", 0);
  bytes.resize(bytes.size() * 3 / 4);
  write_bytes(folder_ / "cut.jpg", bytes);
  ::testing::internal::CaptureStderr();
  const auto source = open(folder_ / "cut.jpg");
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "") << "a library does not print";
  ASSERT_TRUE(source);
  EXPECT_EQ(source->health().damaged, 1U);
  EXPECT_EQ(source->health().first_damage,
            folder_ / "cut.jpg" + ": the file ends before the picture does");
  const auto frames = read_all(*source);
  ASSERT_EQ(frames.size(), 1U);
  EXPECT_TRUE(is_near(color_at(frames[0].image, 5, 5), kTopLeft, 10));
}

TEST_F(PictureSource, one_picture_that_cannot_be_decoded_is_an_error) {
  write_text(folder_ / "broken.jpg", "\xFF\xD8\xFF\xE0 and then nothing");
  const Error error = open_error(folder_ / "broken.jpg");
  EXPECT_EQ(error.code, ErrorCode::kCorrupt);
  EXPECT_EQ(error.message, folder_ / "broken.jpg" + ": the picture cannot be decoded");
}

TEST_F(PictureSource, a_folder_without_pictures_is_an_error) {
  EXPECT_THAT(open_error(folder_.path()).message, HasSubstr("no picture among its 0 files"));
  write_text(folder_ / "notes.txt", "x");
  const Error error = open_error(folder_.path());
  EXPECT_EQ(error.code, ErrorCode::kNotFound);
  EXPECT_THAT(error.message, HasSubstr("no picture among its 1 files"));
  EXPECT_THAT(error.message, HasSubstr(folder_.path()));
}

TEST_F(PictureSource, a_folder_of_nothing_but_damaged_pictures_is_an_error) {
  write_text(folder_ / "a.jpg", "?");
  write_text(folder_ / "b.jpg", "?");
  EXPECT_EQ(open_error(folder_.path()).message,
            folder_.path().string() + ": no picture can be decoded; " + folder_ / "a.jpg" +
                ": the picture cannot be decoded");
}

TEST_F(PictureSource, cancelling_ends_the_stream) {
  for (unsigned n = 0; n < 3; ++n) {
    write_bytes(folder_ / std::to_string(n) + ".png", encoded(".png", n));
  }
  const auto source = open(folder_.path());
  ASSERT_TRUE((*source->read()).has_value());
  source->cancel();
  EXPECT_FALSE((*source->read()).has_value());
}

TEST(PictureKind, texts_that_begin_like_a_bitmap_are_none) {
  const std::string text = "BMW makes cars, and motorcycles";
  EXPECT_FALSE(
      looks_like_picture({reinterpret_cast<const std::uint8_t*>(text.data()), kSignatureSize}));
  EXPECT_FALSE(looks_like_picture({}));
}

TEST(PictureKind, an_embedded_previews_end_is_not_the_pictures) {
  const auto check = [](const std::string& bytes) {
    return is_cut_short_jpeg({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
  };
  const std::string preview = "\xFF\xD8\xFF\xDA..\xFF\xD9";
  EXPECT_TRUE(check("\xFF\xD8\xFF\xE1" + preview + "\xFF\xDA data"));
  EXPECT_FALSE(check("\xFF\xD8\xFF\xE1" + preview + "\xFF\xDA data\xFF\xD9 trailer"));
  EXPECT_TRUE(check("\xFF\xD8\xFF\xE1"));
  EXPECT_FALSE(check("something else"));
}

}  // namespace
}  // namespace osprey::media
