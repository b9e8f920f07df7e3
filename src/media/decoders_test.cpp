// SPDX-License-Identifier: Apache-2.0
#include "media/decoders.hpp"

#include <gtest/gtest.h>

namespace osprey::media {
namespace {

TEST(Decoders, OfWhatCamerasSendAreThere) {
  EXPECT_FALSE(ffmpeg_version().empty());
  const auto found = decoders();
  ASSERT_EQ(found.size(), 5);
  EXPECT_EQ(found[0].codec, "h264");
  for (const auto& codec : found) {
    if (codec.codec == "av1") continue;  // comes from other libraries
    EXPECT_FALSE(codec.used.empty()) << codec.codec;
  }
}

TEST(Decoders, WhatIsUsedIsNotCalledHardware) {
  for (const auto& codec : decoders()) {
    for (const auto& name : codec.hardware) {
      EXPECT_NE(name, "h264");
      EXPECT_NE(name, "libdav1d");
    }
  }
}

}  // namespace
}  // namespace osprey::media
