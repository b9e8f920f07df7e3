// SPDX-License-Identifier: Apache-2.0
#include "sinks/mot_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sinks/sinks_testing.hpp"

namespace osprey::sinks {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Detection followed(std::int64_t track, const Box& box) {
  return {box, 0.5F, 3, 0, -1, track};
}

TEST(MotText, has_a_file_a_stream_and_a_line_an_object_that_is_followed) {
  const TemporaryFolder folder;
  auto sink = create_mot_text(folder / "out");
  ASSERT_TRUE(sink.ok()) << sink.error().message;
  ASSERT_TRUE((*sink)->begin(stream_info(0, "a/clip.mp4")).ok());
  ASSERT_TRUE((*sink)->begin(stream_info(1, "b/clip.mp4")).ok());
  ASSERT_TRUE((*sink)->begin(stream_info(2, "MOT17-02/img1", true)).ok());
  const auto nobody = followed(-1, {0, 0, 9, 9});
  for (const auto& result :
       {result_of({0, 0}, 100, 100, {followed(7, {10.5F, 20, 30, 60}), nobody}),
        result_of({1, 4}, 100, 100, {}),
        result_of({2, 1}, 100, 100, {followed(1, {0, 0, 0.1F, 9})}, "MOT17-02/img1/000002.jpg"),
        result_of({0, 2}, 100, 100, {followed(7, {11, 20, 31, 60}), followed(8, {1, 2, 3, 4})})}) {
    ASSERT_TRUE((*sink)->write(result).ok());
  }
  EXPECT_THAT((*sink)->outputs(), ElementsAre(folder / "out"));
  ASSERT_TRUE((*sink)->finish().ok());
  EXPECT_EQ(read_text(folder / "out/clip.txt"),
            "1,7,10.5,20,19.5,40,0.5,-1,-1,-1\n"
            "3,7,11,20,20,40,0.5,-1,-1,-1\n"
            "3,8,1,2,2,2,0.5,-1,-1,-1\n");
  EXPECT_EQ(read_text(folder / "out/clip-2.txt"), "");
  EXPECT_EQ(read_text(folder / "out/MOT17-02.txt"), "2,1,0,0,0.1,9,0.5,-1,-1,-1\n");
}

TEST(MotText, leaves_nothing_without_finish_and_names_a_folder_that_cannot_be_made) {
  const TemporaryFolder folder;
  {
    auto sink = create_mot_text(folder / "out");
    ASSERT_TRUE((*sink)->begin(stream_info(0, "clip.mp4")).ok());
    ASSERT_TRUE((*sink)->write(result_of({0, 0}, 9, 9, {followed(1, {1, 2, 3, 4})})).ok());
  }
  EXPECT_THAT(folder.entries(), IsEmpty());
  write_text(folder / "file", "");
  const auto sink = create_mot_text(folder / "file/out");
  ASSERT_FALSE(sink.ok());
  EXPECT_THAT(sink.error().message, HasSubstr(folder / "file"));
}

}  // namespace
}  // namespace osprey::sinks
