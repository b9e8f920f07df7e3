// SPDX-License-Identifier: Apache-2.0
#include "sinks/output_names.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace osprey::sinks {
namespace {

TEST(SourceStem, is_a_file_name_without_folder_and_suffix_whatever_the_source) {
  const std::pair<const char*, const char*> cases[] = {
      {"bus.jpg", "bus"},
      {"shots/bus.jpg", "bus"},
      {"/a.b/clip.tar.mp4", "clip.tar"},
      {"shots/", "shots"},
      {"-", "stdin"},
      {"/dev/video0", "video0"},
      {"rtsp://host:554/live/door.sdp?profile=1", "door"},
      {"rtsp://host:554", "host_554"},
      {"rtsp://user:secret@192.168.0.7/", "192.168.0.7"},
      {"rtsp://user:secret@cam/ch1", "ch1"},
      {"http://host/?stream=2", "host"},
      {"shots/*.jpg", "_"},
      {"..", "stream"},
      {"/", "stream"},
      {"", "stream"},
      {"Stra\xc3\x9f"
       "e 1.mp4",
       "Stra\xc3\x9f"
       "e 1"},
      {"line\nbreak.mp4", "line_break"},
  };
  for (const auto& [uri, stem] : cases) EXPECT_EQ(source_stem(uri), stem) << uri;
}

TEST(UniqueNames, numbers_the_second_and_later_of_one_name) {
  UniqueNames names;
  EXPECT_EQ(names.take("bus", ".jpg"), "bus.jpg");
  EXPECT_EQ(names.take("bus", ".png"), "bus.png");
  EXPECT_EQ(names.take("bus", ".jpg"), "bus-2.jpg");
  EXPECT_EQ(names.take("bus", ".jpg"), "bus-3.jpg");
}

TEST(UniqueNames, steps_over_a_number_that_is_a_source_of_its_own) {
  UniqueNames names;
  EXPECT_EQ(names.take("bus-2"), "bus-2");
  EXPECT_EQ(names.take("bus"), "bus");
  EXPECT_EQ(names.take("bus"), "bus-3");
  EXPECT_EQ(names.take("bus-2"), "bus-2-2");
}

}  // namespace
}  // namespace osprey::sinks
