// SPDX-License-Identifier: Apache-2.0
#include "sinks/coco_results.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "sinks/sinks_testing.hpp"

namespace osprey::sinks {
namespace {

using Json = nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct Written {
  Json entries;
  std::vector<std::string> notes;
};

Written written(CocoResultsOptions options, const std::vector<FrameResult>& results) {
  const TemporaryFolder folder;
  auto sink = create_coco_results(folder / "coco.json", std::move(options));
  EXPECT_TRUE(sink.ok());
  for (const auto& result : results) EXPECT_TRUE((*sink)->write(result).ok());
  EXPECT_TRUE((*sink)->finish().ok());
  EXPECT_THAT((*sink)->outputs(), ElementsAre(folder / "coco.json"));
  return {Json::parse(read_text(folder / "coco.json")), (*sink)->notes()};
}

const std::vector<Detection> kTwo = {{{10.1F, 20.2F, 40.7F, 60.3F}, 0.8765432F, 0},
                                     {{0, 0, 100, 50}, 0.001F, 11}};

TEST(CocoResults, an_entry_has_the_box_as_corner_and_size_in_pixels_and_loses_no_digit) {
  const Json entries = written({}, {result_of({0, 0}, 100, 100, kTwo, "000000000139.jpg")}).entries;
  ASSERT_EQ(entries.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(entries[i]["bbox"].get<std::vector<float>>(),
              (std::vector<float>{kTwo[i].box.x1, kTwo[i].box.y1, kTwo[i].box.width(),
                                  kTwo[i].box.height()}));
    EXPECT_EQ(entries[i]["score"].get<float>(), kTwo[i].confidence);
    EXPECT_EQ(entries[i]["image_id"], 139);
    EXPECT_EQ(entries[i].size(), 4U);
  }
}

TEST(CocoResults, numbers_classes_as_the_owner_says_or_from_one) {
  const auto results = {result_of({0, 0}, 100, 100, kTwo, "1.jpg")};
  const Json from_one = written({}, results).entries;
  EXPECT_EQ(from_one[0]["category_id"], 1);
  EXPECT_EQ(from_one[1]["category_id"], 12);
  CocoResultsOptions coco;
  coco.category_ids = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13};  // COCO has no 12
  EXPECT_EQ(written(coco, results).entries[1]["category_id"], 13);
}

TEST(CocoResults, numbers_pictures_by_their_names_or_else_by_their_place_in_the_stream) {
  const std::pair<FrameResult, std::int64_t> cases[] = {
      {result_of({0, 7}, 10, 10, {{}}, "val/000000000139.jpg"), 139},
      {result_of({0, 7}, 10, 10, {{}}, "0.png"), 0},
      {result_of({0, 7}, 10, 10, {{}}, "bus.jpg"), 8},
      {result_of({0, 7}, 10, 10, {{}}, "12a.jpg"), 8},
      {result_of({0, 7}, 10, 10, {{}}, "-5.jpg"), 8},
      {result_of({0, 7}, 10, 10, {{}}, "99999999999999999999.jpg"), 8},
      {result_of({0, 7}, 10, 10, {{}}), 8},
      {result_of({2, 7}, 10, 10, {{}}), 2'000'000'008},
  };
  for (const auto& [result, id] : cases) {
    EXPECT_EQ(written({}, {result}).entries.at(0).at("image_id"), id) << result.frame->path;
  }
}

CocoResultsOptions with_ground_truth() {
  CocoResultsOptions options;
  options.names = {"person", "unicorn", "car"};
  options.category_ids = {7, 7, 7};
  options.ground_truth.emplace();
  options.ground_truth->images = {{"bus.jpg", 5}, {"12.jpg", 6}};
  options.ground_truth->categories = {{"person", 1}, {"car", 3}};
  return options;
}

TEST(CocoResults, a_ground_truth_numbers_pictures_and_classes_by_name) {
  const Json entries =
      written(with_ground_truth(), {result_of({0, 0}, 10, 10, {{{}, 1, 2}}, "x/bus.jpg"),
                                    result_of({0, 1}, 10, 10, {{{}, 1, 0}}, "12.jpg")})
          .entries;
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0]["image_id"], 5);
  EXPECT_EQ(entries[0]["category_id"], 3);
  EXPECT_EQ(entries[1]["image_id"], 6);
  EXPECT_EQ(entries[1]["category_id"], 1);
}

TEST(CocoResults, leaves_out_and_counts_what_the_ground_truth_does_not_know) {
  const auto [entries, notes] = written(
      with_ground_truth(),
      {result_of({0, 0}, 10, 10, {{{}, 1, 0}}, "train.jpg"),
       result_of({0, 1}, 10, 10, {{{}, 1, 0}}),
       result_of({0, 2}, 10, 10, {{{}, 1, 1}, {{}, 1, 1}, {{}, 1, 9}, {{}, 1, 0}}, "bus.jpg")});
  ASSERT_EQ(entries.size(), 1U);
  EXPECT_EQ(entries[0]["category_id"], 1);
  EXPECT_THAT(notes,
              ElementsAre(HasSubstr("left out 2 pictures that are not in the ground truth"),
                          HasSubstr("left out 3 detections of classes that are not in the ground "
                                    "truth: unicorn 9")));
}

TEST(CocoResults, a_run_without_objects_is_an_empty_list) {
  EXPECT_EQ(written({}, {}).entries, Json::array());
  FrameResult failed = result_of({0, 1}, 10, 10, {});
  failed.error = Error{ErrorCode::kInternal, "failed"};
  const auto [entries, notes] = written({}, {result_of({0, 0}, 10, 10, {}), failed});
  EXPECT_EQ(entries, Json::array());
  EXPECT_THAT(notes, IsEmpty());
}

TEST(CocoResults, leaves_no_file_without_finish) {
  const TemporaryFolder folder;
  {
    auto sink = create_coco_results(folder / "coco.json", {});
    ASSERT_TRUE((*sink)->write(result_of({0, 0}, 10, 10, kTwo)).ok());
  }
  EXPECT_THAT(folder.entries(), IsEmpty());
}

TEST(CocoResults, goes_to_disk_on_the_way_and_a_full_disk_is_an_error_that_names_the_file) {
  const TemporaryFolder folder;
  auto sink = create_coco_results(folder / "coco.json", {});
  const FileSizeLimit limit(100'000);
  Status status;
  int frames = 0;
  for (; status.ok() && frames < 10'000; ++frames) {
    status = (*sink)->write(result_of({0, 0}, 10, 10, kTwo));
  }
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().message, folder / "coco.json: File too large");
}

TEST(CocoResults, a_folder_that_cannot_be_written_to_is_found_at_creation) {
  const auto sink = create_coco_results("/proc/self/coco.json", {});
  ASSERT_FALSE(sink.ok());
  EXPECT_THAT(sink.error().message, HasSubstr("/proc/self/coco.json"));
}

}  // namespace
}  // namespace osprey::sinks
