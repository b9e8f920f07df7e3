// SPDX-License-Identifier: Apache-2.0
#include "media/capture_device.hpp"

#include <gmock/gmock.h>

#include "media/source.hpp"

namespace osprey::media {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

std::string problem_with(const std::string& uri) {
  const auto source = Source::open(uri, 0, {});
  return source.ok() ? "none" : source.error().message;
}

TEST(CaptureDevices, settings_are_those_of_ffmpeg) {
  const auto device = find_capture_device("v4l2:///dev/null?size=1280x720&fps=30&format=mjpeg");
  ASSERT_TRUE(device.ok() && *device);
  EXPECT_EQ((*device)->path, "/dev/null");
  EXPECT_THAT((*device)->settings,
              ElementsAre(Pair("video_size", "1280x720"), Pair("framerate", "30"),
                          Pair("input_format", "mjpeg")));
}

TEST(CaptureDevices, other_names_are_none) {
  for (const char* const uri : {"a.mp4", "rtsp://cam/", "/dev/stdin", "videos/v4l2.mp4"}) {
    const auto device = find_capture_device(uri);
    EXPECT_TRUE(device.ok() && !*device) << uri;
  }
}

TEST(CaptureDevices, what_is_wrong_is_said) {
  EXPECT_EQ(problem_with("/dev/video999"), "/dev/video999: no such camera");
  EXPECT_EQ(
      problem_with("v4l2:///dev/null?size=big"),
      "v4l2:///dev/null?size=big: size: expected a width and height as in 1280x720, not 'big'");
  EXPECT_THAT(problem_with("v4l2:///dev/null?fps=0"), HasSubstr("fps: expected a whole number"));
  EXPECT_THAT(problem_with("v4l2:///dev/null?format=a,b"), HasSubstr("format: expected a name"));
  EXPECT_THAT(problem_with("v4l2:///dev/null?speed=3"),
              HasSubstr("unknown setting 'speed'; expected size, fps or format"));
  EXPECT_EQ(problem_with("v4l2:///"),
            "v4l2:///: not a camera; expected a device as in /dev/video0");
  EXPECT_EQ(problem_with("v4l2:///dev/null"), "v4l2:///dev/null: not a camera");
}

}  // namespace
}  // namespace osprey::media
