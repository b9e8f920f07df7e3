// SPDX-License-Identifier: Apache-2.0
#include "sinks/annotated.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>
#include <string>
#include <utility>
#include <vector>

#include "media/source.hpp"
#include "sinks/sinks_testing.hpp"

namespace osprey::sinks {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::uint8_t kGray = 90;
const Detection kOne = {{16, 12, 48, 36}, 0.5F, 0};
const AnnotatedOptions kOnlyBoxes = {2, false, false, 1};

/// A gray frame, 40 ms after the one before.
FrameResult gray(FrameId id, int width, int height, std::vector<Detection> detections,
                 const std::string& path = "") {
  const FrameResult bare = result_of(id, width, height, std::move(detections), path);
  auto frame = std::make_shared<Frame>(*bare.frame);
  auto samples = std::make_shared<std::vector<std::uint8_t>>(
      static_cast<std::size_t>(width * height * 3), kGray);
  frame->image.planes[0] = {samples->data(), width * 3};
  frame->image.owner = samples;
  return {frame, bare.detections, std::nullopt};
}

std::unique_ptr<Sink> annotated(const std::string& folder) {
  auto sink = create_annotated(folder, {"person"}, kOnlyBoxes);
  EXPECT_TRUE(sink.ok()) << sink.error().message;
  return std::move(sink).value();
}

/// How far the pixel furthest from gray is from it.
int most_colour(const cv::Mat& picture) {
  cv::Mat difference;
  cv::absdiff(picture, cv::Scalar::all(kGray), difference);
  double most = 0;
  cv::minMaxLoc(difference.reshape(1), nullptr, &most);
  return static_cast<int>(most);
}

std::vector<Frame> frames_of(const std::string& path) {
  std::vector<Frame> frames;
  auto source = media::Source::open(path, 0, {});
  EXPECT_TRUE(source.ok()) << source.error().message;
  if (!source.ok()) return frames;
  for (;;) {
    auto frame = (*source)->read();
    EXPECT_TRUE(frame.ok());
    if (!frame.ok() || !*frame) return frames;
    frames.push_back(std::move(**frame));
  }
}

/// How far chroma spreads: not at all in a gray frame, whatever colour a box has.
double chroma_spread(const Image& image) {
  EXPECT_EQ(image.format, PixelFormat::kI420);
  double most = 0;
  for (const Plane& plane : {image.planes[1], image.planes[2]}) {
    const cv::Mat chroma(image.height / 2, image.width / 2, CV_8UC1,
                         const_cast<std::uint8_t*>(plane.data),
                         static_cast<std::size_t>(plane.stride));
    double low = 0, high = 0;
    cv::minMaxLoc(chroma, &low, &high);
    most = std::max(most, high - low);
  }
  return most;
}

TEST(Annotated, a_video_keeps_its_size_rate_and_frames_and_shows_the_boxes) {
  const TemporaryFolder folder;
  {
    auto sink = annotated(folder / "out");
    EXPECT_TRUE(sink->wants_pixels());
    StreamInfo stream = stream_info(0, "shots/clip.avi");
    stream.frame_rate = 25;
    ASSERT_TRUE(sink->begin(stream).ok());
    for (std::uint64_t i = 0; i < 5; ++i) {
      std::vector<Detection> detections;
      if (i >= 3) detections = {kOne};
      ASSERT_TRUE(sink->write(gray({0, i}, 64, 48, detections)).ok());
    }
    EXPECT_FALSE(std::filesystem::exists(folder / "out/clip.mp4"));
    ASSERT_TRUE(sink->finish().ok());
    EXPECT_THAT(sink->outputs(), ElementsAre(folder / "out/clip.mp4"));
  }
  EXPECT_THAT(folder.entries(), ElementsAre("out", "out/clip.mp4"));
  const auto frames = frames_of(folder / "out/clip.mp4");
  ASSERT_EQ(frames.size(), 5U);
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(frames[i].image.width, 64);
    EXPECT_EQ(frames[i].image.height, 48);
    EXPECT_EQ(frames[i].timestamp.since_origin, std::chrono::milliseconds(40 * i));
    if (i >= 3) {
      EXPECT_GT(chroma_spread(frames[i].image), 40) << i;
    } else {
      EXPECT_LT(chroma_spread(frames[i].image), 10) << i;
    }
  }
}

TEST(Annotated, videos_of_one_name_and_a_change_of_size_get_files_of_their_own) {
  const TemporaryFolder folder;
  auto sink = annotated(folder.path().string());
  ASSERT_TRUE(sink->begin(stream_info(0, "a/clip.mp4")).ok());
  ASSERT_TRUE(sink->begin(stream_info(1, "b/clip.mp4")).ok());
  ASSERT_TRUE(sink->write(gray({0, 0}, 64, 48, {})).ok());
  ASSERT_TRUE(sink->write(gray({1, 0}, 64, 48, {})).ok());
  ASSERT_TRUE(sink->write(gray({0, 1}, 32, 48, {})).ok());
  ASSERT_TRUE(sink->write(gray({0, 2}, 32, 48, {})).ok());
  ASSERT_TRUE(sink->finish().ok());
  EXPECT_THAT(folder.entries(), ElementsAre("clip-2.mp4", "clip-3.mp4", "clip.mp4"));
  EXPECT_EQ(frames_of(folder / "clip.mp4").size(), 1U);
  EXPECT_EQ(frames_of(folder / "clip-2.mp4").size(), 1U);
  const auto narrower = frames_of(folder / "clip-3.mp4");
  ASSERT_EQ(narrower.size(), 2U);
  EXPECT_EQ(narrower[0].image.width, 32);
}

TEST(Annotated, pictures_keep_their_names_and_jpeg_or_png_their_format) {
  const TemporaryFolder folder;
  auto sink = annotated(folder.path().string());
  ASSERT_TRUE(sink->begin(stream_info(0, "shots", true)).ok());
  std::uint64_t sequence = 0;
  for (const char* path : {"shots/a.jpg", "shots/b.PNG", "shots/c.webp", "shots/c.jpg",
                           "shots/deeper/a.jpg", "shots/a.png"}) {
    ASSERT_TRUE(sink->write(gray({0, sequence++}, 64, 48, {kOne}, path)).ok());
  }
  EXPECT_THAT(sink->outputs(), ElementsAre(folder.path().string()));
  ASSERT_TRUE(sink->finish().ok());
  EXPECT_THAT(folder.entries(),
              ElementsAre("a-2.jpg", "a.jpg", "a.png", "b.PNG", "c-2.jpg", "c.jpg"));
  for (const std::string& name : folder.entries()) {
    const cv::Mat picture = cv::imread(folder / name, cv::IMREAD_COLOR);
    ASSERT_EQ(picture.size(), cv::Size(64, 48)) << name;
    EXPECT_GT(most_colour(picture), 60) << name;
    EXPECT_NEAR(picture.at<cv::Vec3b>(2, 2)[0], kGray, 4) << name;
    const std::string first_bytes = read_text(folder / name).substr(0, 4);
    EXPECT_EQ(first_bytes == "\x89PNG", name == "a.png" || name == "b.PNG") << name;
  }
}

TEST(Annotated, a_failed_frame_is_in_the_video_without_boxes_and_a_failed_picture_left_out) {
  const TemporaryFolder folder;
  auto sink = annotated(folder.path().string());
  ASSERT_TRUE(sink->begin(stream_info(0, "clip.mp4")).ok());
  ASSERT_TRUE(sink->begin(stream_info(1, "shots", true)).ok());
  FrameResult frame = gray({0, 0}, 64, 48, {});
  FrameResult picture = gray({1, 0}, 64, 48, {}, "shots/a.jpg");
  frame.error = picture.error = Error{ErrorCode::kInternal, "failed"};
  ASSERT_TRUE(sink->write(frame).ok());
  ASSERT_TRUE(sink->write(picture).ok());
  ASSERT_TRUE(sink->finish().ok());
  EXPECT_THAT(folder.entries(), ElementsAre("clip.mp4"));
  EXPECT_THAT(sink->notes(), ElementsAre(HasSubstr("left out 1 pictures")));
}

TEST(Annotated, never_takes_the_place_of_its_source) {
  const TemporaryFolder folder;
  for (const char* name : {"a.jpg", "clip.mp4"}) write_text(folder / name, "the source");
  {
    auto sink = annotated(folder.path().string());
    ASSERT_TRUE(sink->begin(stream_info(0, folder / "clip.mp4")).ok());
    ASSERT_TRUE(sink->begin(stream_info(1, folder.path().string(), true)).ok());
    const Status video = sink->write(gray({0, 0}, 64, 48, {}));
    ASSERT_FALSE(video.ok());
    EXPECT_EQ(video.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(video.error().message, HasSubstr(folder / "clip.mp4"));
    const Status picture = sink->write(gray({1, 0}, 64, 48, {}, folder / "a.jpg"));
    ASSERT_FALSE(picture.ok());
    EXPECT_THAT(picture.error().message, HasSubstr(folder / "a.jpg"));
  }
  EXPECT_THAT(folder.entries(), ElementsAre("a.jpg", "clip.mp4"));
  EXPECT_EQ(read_text(folder / "a.jpg"), "the source");
}

TEST(Annotated, leaves_nothing_without_finish) {
  const TemporaryFolder folder;
  {
    auto sink = annotated(folder / "out");
    ASSERT_TRUE(sink->begin(stream_info(0, "clip.mp4")).ok());
    ASSERT_TRUE(sink->write(gray({0, 0}, 64, 48, {kOne})).ok());
    ASSERT_TRUE(sink->write(gray({1, 0}, 64, 48, {kOne}, "a.jpg")).ok());
  }
  EXPECT_THAT(folder.entries(), IsEmpty());
}

TEST(Annotated, a_full_disk_is_an_error_that_names_the_picture) {
  const TemporaryFolder folder;
  auto sink = annotated(folder.path().string());
  ASSERT_TRUE(sink->begin(stream_info(0, "shots", true)).ok());
  const FileSizeLimit limit(100);
  const Status status = sink->write(gray({0, 0}, 64, 48, {kOne}, "a.jpg"));
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, ErrorCode::kIo);
  EXPECT_EQ(status.error().message, folder / "a.jpg: File too large");
}

TEST(Annotated, a_folder_that_cannot_be_written_to_is_found_at_creation) {
  const auto sink = create_annotated("/proc/self", {}, {});
  ASSERT_FALSE(sink.ok());
  EXPECT_THAT(sink.error().message, HasSubstr("/proc/self"));
}

}  // namespace
}  // namespace osprey::sinks
