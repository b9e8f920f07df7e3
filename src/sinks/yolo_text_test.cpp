// SPDX-License-Identifier: Apache-2.0
#include "sinks/yolo_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "sinks/sinks_testing.hpp"

namespace osprey::sinks {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const Detection kSeen = {{10, 20, 30, 60}, 0.5F, 3};

/// Four boxes in 768x577 and what Results.save_txt() of Ultralytics 8.4.190 wrote for them.
const std::vector<Detection> kBoxes = {
    {{0, 0, 768, 577}, 0x1.fdb236p-1F, 37},
    {{0x1.0624dep-10F, 0x1.0624dep-9F, 0x1.89374cp-9F, 0x1.0cb296p-8F}, 0x1.fa58fcp-1F, 17},
    {{0x1.d17534p+7F, 0x1.414d9cp+7F, 0x1.32131cp+9F, 0x1.0dff9cp+8F}, 0x1.95d7c8p-1F, 67},
    {{0x1.877accp+7F, 0x1.00cf1cp+8F, 0x1.837e38p+8F, 0x1.3f5e34p+8F}, 0x1.3e8e46p-1F, 12}};
constexpr char kUltralytics[] =
    "37 0.5 0.5 1 1\n"
    "17 2.60417e-06 5.28596e-06 2.60417e-06 3.63951e-06\n"
    "67 0.550051 0.37318 0.494037 0.189509\n"
    "12 0.379709 0.499287 0.249679 0.108421\n";
constexpr char kUltralyticsWithConfidence[] =
    "37 0.5 0.5 1 1 0.9955\n"
    "17 2.60417e-06 5.28596e-06 2.60417e-06 3.63951e-06 0.98896\n"
    "67 0.550051 0.37318 0.494037 0.189509 0.792662\n"
    "12 0.379709 0.499287 0.249679 0.108421 0.622179\n";

TEST(YoloText, gives_the_same_bytes_as_ultralytics) {
  for (const bool confidence : {false, true}) {
    const TemporaryFolder folder;
    auto sink = create_yolo_text(folder.path().string(), confidence);
    ASSERT_TRUE(sink.ok()) << sink.error().message;
    ASSERT_TRUE((*sink)->begin(stream_info(0, "shots", true)).ok());
    ASSERT_TRUE((*sink)->write(result_of({0, 0}, 768, 577, kBoxes, "shots/x.jpg")).ok());
    ASSERT_TRUE((*sink)->finish().ok());
    EXPECT_EQ(read_text(folder / "labels/x.txt"),
              confidence ? kUltralyticsWithConfidence : kUltralytics);
  }
}

// As Ultralytics 8.4.190: `line = (c, *xywhn, conf, id)`.
TEST(YoloText, ends_with_the_number_of_an_object_that_is_followed) {
  const TemporaryFolder folder;
  auto sink = create_yolo_text(folder.path().string(), true);
  ASSERT_TRUE((*sink)->begin(stream_info(0, "shots", true)).ok());
  auto followed = kSeen;
  followed.track_id = 12;
  ASSERT_TRUE((*sink)->write(result_of({0, 0}, 100, 100, {followed, kSeen}, "x.jpg")).ok());
  ASSERT_TRUE((*sink)->finish().ok());
  EXPECT_EQ(read_text(folder / "labels/x.txt"),
            "3 0.2 0.4 0.2 0.4 0.5 12\n3 0.2 0.4 0.2 0.4 0.5\n");
}

TEST(YoloText, names_files_after_pictures_and_frames_and_keeps_equal_names_apart) {
  const TemporaryFolder folder;
  auto sink = create_yolo_text(folder / "out", false);
  ASSERT_TRUE(sink.ok()) << sink.error().message;
  ASSERT_TRUE((*sink)->begin(stream_info(0, "a/clip.mp4")).ok());
  ASSERT_TRUE((*sink)->begin(stream_info(1, "b/clip.mp4")).ok());
  ASSERT_TRUE((*sink)->begin(stream_info(2, "shots", true)).ok());
  for (const auto& result :
       {result_of({1, 0}, 100, 100, {kSeen}), result_of({0, 0}, 100, 100, {kSeen}),
        result_of({0, 1}, 100, 100, {}), result_of({0, 11}, 100, 100, {kSeen}),
        result_of({2, 0}, 100, 100, {kSeen}, "shots/bus.jpg"),
        result_of({2, 1}, 100, 100, {}, "shots/bus.jpeg"),
        result_of({2, 2}, 100, 100, {kSeen}, "shots/deeper/bus.png")}) {
    ASSERT_TRUE((*sink)->write(result).ok());
  }
  EXPECT_THAT((*sink)->outputs(), ElementsAre(folder / "out/labels"));
  ASSERT_TRUE((*sink)->finish().ok());
  EXPECT_THAT(folder.entries(), ElementsAre("out", "out/labels", "out/labels/bus-3.txt",
                                            "out/labels/bus.txt", "out/labels/clip-2_1.txt",
                                            "out/labels/clip_1.txt", "out/labels/clip_12.txt"));
}

TEST(YoloText, a_frame_without_objects_or_that_failed_removes_the_file_of_an_earlier_run) {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder / "labels");
  for (const char* name : {"labels/clip_1.txt", "labels/clip_2.txt", "labels/clip_3.txt"}) {
    write_text(folder / name, "earlier");
  }
  auto sink = create_yolo_text(folder.path().string(), false);
  ASSERT_TRUE((*sink)->begin(stream_info(0, "clip.mp4")).ok());
  FrameResult failed = result_of({0, 1}, 100, 100, {kSeen});
  failed.error = Error{ErrorCode::kInternal, "failed"};
  ASSERT_TRUE((*sink)->write(result_of({0, 0}, 100, 100, {})).ok());
  ASSERT_TRUE((*sink)->write(failed).ok());
  EXPECT_EQ(read_text(folder / "labels/clip_1.txt"), "earlier");
  ASSERT_TRUE((*sink)->finish().ok());
  EXPECT_THAT(folder.entries(), ElementsAre("labels", "labels/clip_3.txt"));
}

TEST(YoloText, leaves_nothing_without_finish) {
  const TemporaryFolder folder;
  {
    auto sink = create_yolo_text(folder / "out", false);
    ASSERT_TRUE((*sink)->begin(stream_info(0, "clip.mp4")).ok());
    ASSERT_TRUE((*sink)->write(result_of({0, 0}, 100, 100, {kSeen})).ok());
  }
  EXPECT_THAT(folder.entries(), IsEmpty());
}

TEST(YoloText, a_folder_that_cannot_be_made_is_found_at_creation) {
  const TemporaryFolder folder;
  write_text(folder / "file", "");
  const auto sink = create_yolo_text(folder / "file", false);
  ASSERT_FALSE(sink.ok());
  EXPECT_EQ(sink.error().code, ErrorCode::kIo);
  EXPECT_THAT(sink.error().message, HasSubstr(folder / "file"));
}

}  // namespace
}  // namespace osprey::sinks
