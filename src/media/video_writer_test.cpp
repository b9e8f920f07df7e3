// SPDX-License-Identifier: Apache-2.0
#include "media/video_writer.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <vector>

#include "media/source.hpp"
#include "media/test_pictures.hpp"

namespace osprey::media {
namespace {

using namespace std::chrono_literals;
using namespace testing_support;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::unique_ptr<VideoWriter> create(const std::string& path, int width, int height,
                                    const VideoWriterOptions& options = {}) {
  auto writer = VideoWriter::create(path, width, height, options);
  if (writer.ok()) return *std::move(writer);
  ADD_FAILURE() << writer.error().message;
  return nullptr;
}

Error create_error(const std::string& path, int width = 64, int height = 48,
                   const VideoWriterOptions& options = {}) {
  auto writer = VideoWriter::create(path, width, height, options);
  if (!writer.ok()) return writer.error();
  ADD_FAILURE() << path << " could be created";
  return {};
}

std::vector<Frame> read_back(const std::string& path) {
  std::vector<Frame> frames;
  auto source = Source::open(path, 0, {});
  if (!source.ok()) {
    ADD_FAILURE() << source.error().message;
    return frames;
  }
  for (;;) {
    auto frame = (*source)->read();
    EXPECT_TRUE(frame.ok());
    if (!frame.ok() || !frame->has_value()) break;
    frames.push_back(**std::move(frame));
  }
  EXPECT_EQ((*source)->health().damaged, 0U) << (*source)->health().first_damage;
  return frames;
}

std::vector<std::int64_t> milliseconds(const std::vector<Frame>& frames) {
  std::vector<std::int64_t> found;
  for (const Frame& frame : frames) {
    found.push_back(
        std::chrono::round<std::chrono::milliseconds>(frame.timestamp.since_origin).count());
  }
  return found;
}

Timestamp at(Duration time) {
  return {time};
}

/// Numbered picture 0 in another pixel format, by way of a video.
Image as_format(const TemporaryFolder& folder, const std::string& pixel_format,
                bool bt709_full = false) {
  VideoSpec spec{.encoder = "rawvideo", .pixel_format = pixel_format, .options = "", .count = 1};
  if (pixel_format.starts_with("yuvj")) {
    spec.encoder = "mjpeg";
    spec.options = "qmin=1,qmax=1";
  }
  spec.bt709_full_range = bt709_full;
  const std::string path = folder / "format.nut";
  EXPECT_TRUE(make_video(path, spec));
  Image image = read_back(path).at(0).image;
  if (bt709_full) {  // which a raw video does not say
    image.matrix = ColorMatrix::kBt709;
    image.range = ColorRange::kFull;
  }
  return image;
}

class VideoWriterTest : public ::testing::Test {
 protected:
  TemporaryFolder folder_;
};

TEST_F(VideoWriterTest, what_it_writes_is_what_a_source_reads) {
  const auto writer = create(folder_ / "v.mp4", 128, 96, {.frame_rate = 10});
  ASSERT_TRUE(writer);
  for (unsigned n = 0; n < 40; ++n) {
    ASSERT_TRUE(writer->write(numbered_picture(128, 96, n), at(n * 100ms)).ok());
  }
  ASSERT_TRUE(writer->finish().ok());
  auto source = Source::open(folder_ / "v.mp4", 0, {});
  ASSERT_TRUE(source.ok());
  EXPECT_EQ((*source)->info().frame_count, 40);
  EXPECT_NEAR((*source)->info().frame_rate, 10, 0.01);
  const auto frames = read_back(folder_ / "v.mp4");
  ASSERT_EQ(frames.size(), 40U);
  for (unsigned n = 0; n < 40; ++n) {
    EXPECT_EQ(number_in(frames[n].image), n);
    EXPECT_EQ(frames[n].timestamp, at(n * 100ms));
    EXPECT_EQ(frames[n].image.width, 128);
    EXPECT_EQ(frames[n].image.height, 96);
    EXPECT_TRUE(shows_corners(frames[n].image, 14));
  }
}

TEST_F(VideoWriterTest, uneven_timestamps_are_kept_and_count_from_the_first) {
  const auto writer = create(folder_ / "v.mp4", 64, 48);
  for (const auto time : {5000ms, 5033ms, 5034ms, 7000ms, 7125ms}) {
    ASSERT_TRUE(writer->write(numbered_picture(64, 48, 1), at(time)).ok());
  }
  ASSERT_TRUE(writer->finish().ok());
  EXPECT_THAT(milliseconds(read_back(folder_ / "v.mp4")), ElementsAre(0, 33, 34, 2000, 2125));
}

TEST_F(VideoWriterTest, ntsc_periods_are_exact) {
  const auto writer = create(folder_ / "v.mp4", 64, 48, {.frame_rate = 30000.0 / 1001});
  for (int n = 0; n < 31; ++n) {
    ASSERT_TRUE(
        writer->write(numbered_picture(64, 48, 1), at(Duration(n * 1'001'000'000'000 / 30'000)))
            .ok());
  }
  ASSERT_TRUE(writer->finish().ok());
  EXPECT_EQ(read_back(folder_ / "v.mp4").at(30).timestamp, at(1001ms));
}

TEST_F(VideoWriterTest, timestamps_that_do_not_rise_follow_the_frame_rate) {
  const auto writer = create(folder_ / "v.mp4", 64, 48, {.frame_rate = 20});
  for (const auto time : {0ms, 0ms, 0ms, 400ms, 300ms}) {
    ASSERT_TRUE(writer->write(numbered_picture(64, 48, 1), at(time)).ok());
  }
  ASSERT_TRUE(writer->finish().ok());
  EXPECT_THAT(milliseconds(read_back(folder_ / "v.mp4")), ElementsAre(0, 50, 100, 400, 450));
}

TEST_F(VideoWriterTest, odd_sizes_get_one_more_column_and_row) {
  for (const auto& [width, height] : {std::pair(97, 61), std::pair(96, 61), std::pair(97, 60)}) {
    const auto writer = create(folder_ / "v.mp4", width, height);
    Image picture = numbered_picture(width, height, 170);
    ASSERT_TRUE(writer->write(picture, at(0ms)).ok());
    ASSERT_TRUE(writer->finish().ok());
    const auto frames = read_back(folder_ / "v.mp4");
    ASSERT_EQ(frames.size(), 1U);
    const Image& image = frames[0].image;
    EXPECT_EQ(image.width, (width + 1) / 2 * 2);
    EXPECT_EQ(image.height, (height + 1) / 2 * 2);
    EXPECT_TRUE(is_near(color_at(image, image.width - 1, image.height - 1), kBottomRight, 16));
    EXPECT_TRUE(is_near(color_at(image, 2, 2), kTopLeft, 16));
    EXPECT_EQ(number_in(image), 170U);
  }
}

TEST_F(VideoWriterTest, every_pixel_format_keeps_its_colours) {
  for (const char* format :
       {"bgr24", "rgb24", "yuv420p", "yuv422p", "yuv444p", "yuvj420p", "yuvj444p", "nv12"}) {
    SCOPED_TRACE(format);
    const Image picture = as_format(folder_, format);
    const auto writer = create(folder_ / "v.mp4", 128, 96);
    for (int n = 0; n < 3; ++n) ASSERT_TRUE(writer->write(picture, at(n * 40ms)).ok());
    ASSERT_TRUE(writer->finish().ok());
    const auto frames = read_back(folder_ / "v.mp4");
    ASSERT_EQ(frames.size(), 3U);
    EXPECT_TRUE(shows_corners(frames[2].image, 10));
    EXPECT_EQ(frames[2].image.matrix, ColorMatrix::kBt601);
    EXPECT_EQ(frames[2].image.range, ColorRange::kLimited);
  }
}

TEST_F(VideoWriterTest, other_matrices_and_ranges_are_converted) {
  const Image picture = as_format(folder_, "yuv420p", true);
  ASSERT_TRUE(shows_corners(picture, 3));
  const auto writer = create(folder_ / "v.mp4", 128, 96);
  ASSERT_TRUE(writer->write(picture, at(0ms)).ok());
  ASSERT_TRUE(writer->finish().ok());
  EXPECT_TRUE(shows_corners(read_back(folder_ / "v.mp4").at(0).image, 10));
}

TEST_F(VideoWriterTest, gray_keeps_its_brightness_in_either_range) {
  std::vector<std::uint8_t> samples(64 * 48, 235);
  Image picture;
  picture.format = PixelFormat::kGray8;
  picture.width = 64;
  picture.height = 48;
  picture.planes[0] = {samples.data(), 64};
  for (const auto& [range, wanted] :
       {std::pair(ColorRange::kFull, 235), std::pair(ColorRange::kLimited, 255)}) {
    picture.range = range;
    const auto writer = create(folder_ / "v.mp4", 64, 48);
    ASSERT_TRUE(writer->write(picture, at(0ms)).ok());
    ASSERT_TRUE(writer->finish().ok());
    EXPECT_TRUE(is_near(color_at(read_back(folder_ / "v.mp4").at(0).image, 30, 20),
                        {wanted, wanted, wanted}, 4));
  }
}

TEST_F(VideoWriterTest, encoder_threads_change_nothing_but_speed) {
  const auto writer = create(folder_ / "v.mp4", 128, 96, {.threads = 3});
  for (unsigned n = 0; n < 20; ++n) {
    ASSERT_TRUE(writer->write(numbered_picture(128, 96, n), at(n * 40ms)).ok());
  }
  ASSERT_TRUE(writer->finish().ok());
  const auto frames = read_back(folder_ / "v.mp4");
  ASSERT_EQ(frames.size(), 20U);
  EXPECT_EQ(number_in(frames[19].image), 19U);
}

TEST_F(VideoWriterTest, the_file_appears_when_it_is_finished) {
  write_text(folder_ / "v.mp4", "from before");
  const auto writer = create(folder_ / "v.mp4", 64, 48);
  ASSERT_TRUE(writer->write(numbered_picture(64, 48, 1), at(0ms)).ok());
  EXPECT_EQ(std::filesystem::file_size(folder_ / "v.mp4"), 11U)
      << "what was there stays until then";
  EXPECT_EQ(folder_.entries().size(), 2U);
  EXPECT_THAT(folder_.entries().at(0), ::testing::StartsWith(".v.mp4.part-"));
  ASSERT_TRUE(writer->finish().ok());
  EXPECT_THAT(folder_.entries(), ElementsAre("v.mp4"));
  EXPECT_EQ(read_back(folder_ / "v.mp4").size(), 1U);
}

TEST_F(VideoWriterTest, two_writers_of_one_name_do_not_disturb_each_other) {
  const auto one = create(folder_ / "v.mp4", 64, 48);
  const auto two = create(folder_ / "v.mp4", 128, 96);
  ASSERT_TRUE(one->write(numbered_picture(64, 48, 1), at(0ms)).ok());
  ASSERT_TRUE(two->write(numbered_picture(128, 96, 1), at(0ms)).ok());
  ASSERT_TRUE(two->finish().ok());
  ASSERT_TRUE(one->finish().ok());
  EXPECT_EQ(read_back(folder_ / "v.mp4").at(0).image.width, 64);
}

TEST_F(VideoWriterTest, without_finish_nothing_is_left) {
  {
    const auto writer = create(folder_ / "v.mp4", 64, 48);
    ASSERT_TRUE(writer->write(numbered_picture(64, 48, 1), at(0ms)).ok());
  }
  EXPECT_THAT(folder_.entries(), IsEmpty());
}

TEST_F(VideoWriterTest, can_be_finished_only_once) {
  const auto writer = create(folder_ / "v.mp4", 64, 48);
  ASSERT_TRUE(writer->write(numbered_picture(64, 48, 1), at(0ms)).ok());
  ASSERT_TRUE(writer->finish().ok());
  EXPECT_FALSE(writer->finish().ok());
  EXPECT_FALSE(writer->write(numbered_picture(64, 48, 1), at(40ms)).ok());
  EXPECT_EQ(read_back(folder_ / "v.mp4").size(), 1U);
}

TEST_F(VideoWriterTest, a_frame_of_another_size_is_an_error_and_the_video_goes_on) {
  const auto writer = create(folder_ / "v.mp4", 64, 48);
  const Status status = writer->write(numbered_picture(48, 64, 1), at(0ms));
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(status.error().message, HasSubstr("a frame of 48x64, expected 64x48"));
  ASSERT_TRUE(writer->write(numbered_picture(64, 48, 1), at(0ms)).ok());
  EXPECT_TRUE(writer->finish().ok());
}

TEST_F(VideoWriterTest, a_folder_that_is_not_there_is_an_error) {
  const Error error = create_error(folder_ / "none/v.mp4");
  EXPECT_EQ(error.code, ErrorCode::kNotFound);
  EXPECT_EQ(error.message,
            "cannot write " + folder_ / "none/v.mp4" + ": No such file or directory");
}

TEST_F(VideoWriterTest, a_folder_that_may_not_be_written_to_is_an_error) {
  if (geteuid() == 0) GTEST_SKIP() << "root may write everywhere";
  chmod(folder_.path().c_str(), 0500);
  const Error error = create_error(folder_ / "v.mp4");
  EXPECT_EQ(error.code, ErrorCode::kIo);
  EXPECT_THAT(error.message, HasSubstr("Permission denied"));
}

TEST_F(VideoWriterTest, a_folder_in_place_of_the_file_is_an_error) {
  EXPECT_EQ(create_error(folder_.path()).code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(create_error("").code, ErrorCode::kInvalidArgument);
}

TEST_F(VideoWriterTest, sizes_and_options_out_of_their_range_are_errors) {
  const std::string path = folder_ / "v.mp4";
  EXPECT_EQ(create_error(path, 0, 48).code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(create_error(path, 64, -1).code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(create_error(path, 64, 48, {.frame_rate = 0}).code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(create_error(path, 64, 48, {.threads = 0}).code, ErrorCode::kInvalidArgument);
  EXPECT_FALSE(VideoWriter::create(path, 1 << 20, 1 << 20, {}).ok());
  EXPECT_THAT(folder_.entries(), IsEmpty());
}

TEST_F(VideoWriterTest, a_disk_that_is_full_is_an_error_that_names_the_file_and_leaves_nothing) {
  {
    auto writer = create(folder_ / "v.mp4", 128, 96);
    const base::FileSizeLimit limit(4096);
    Status status;
    // Pictures that share nothing, so that the file grows.
    for (unsigned n = 0; n < 400 && status.ok(); ++n) {
      status = writer->write(numbered_picture(128, 96, n * 37), at(n * 40ms));
    }
    if (status.ok()) status = writer->finish();
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().code, ErrorCode::kIo);
    EXPECT_EQ(status.error().message, "cannot write " + folder_ / "v.mp4" + ": File too large");
    EXPECT_FALSE(writer->finish().ok()) << "the failure is final";
  }
  EXPECT_THAT(folder_.entries(), IsEmpty());
}

}  // namespace
}  // namespace osprey::media
