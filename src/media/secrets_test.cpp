// SPDX-License-Identifier: Apache-2.0
#include "media/secrets.hpp"

#include <gtest/gtest.h>

namespace osprey::media {
namespace {

TEST(Secrets, user_and_password_are_not_shown) {
  EXPECT_EQ(without_secrets("rtsp://admin:pa55@cam.lan:554/stream?channel=1"),
            "rtsp://cam.lan:554/stream?channel=1");
  EXPECT_EQ(without_secrets("http://user@cam/"), "http://cam/");
  EXPECT_EQ(without_secrets("rtsp://cam/"), "rtsp://cam/");
}

TEST(Secrets, a_password_with_marks_in_it_is_not_shown_either) {
  EXPECT_EQ(without_secrets("rtsp://admin:pa/ss@cam/a"), "rtsp://cam/a");
  EXPECT_EQ(without_secrets("rtsp://admin:what?@cam/a?b=1"), "rtsp://cam/a?b=1");
}

TEST(Secrets, parameters_that_are_called_like_secrets_have_no_values) {
  EXPECT_EQ(without_secrets("http://cam/video.cgi?user=me&Password=x&size=3&api_token=y#z"),
            "http://cam/video.cgi?user=***&Password=***&size=3&api_token=***#z");
  EXPECT_EQ(without_secrets("rtmp://cam/bcs/main?channel=0&pwd=a=b"),
            "rtmp://cam/bcs/main?channel=0&pwd=***");
  EXPECT_EQ(without_secrets("rtsp://10.0.0.2:554/user=admin&password=x&channel=1"),
            "rtsp://10.0.0.2:554/user=***&password=***&channel=1");
}

TEST(Secrets, an_at_sign_in_a_parameter_is_no_password) {
  EXPECT_EQ(without_secrets("http://cam/a?mail=me@home"), "http://cam/a?mail=me@home");
}

TEST(Secrets, files_keep_their_names) {
  for (const char* name : {"a@b.mp4", "clips/user:x@y.mp4", "-", "/dev/video0", ""}) {
    EXPECT_EQ(without_secrets(name), name);
  }
}

}  // namespace
}  // namespace osprey::media
