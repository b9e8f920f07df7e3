// SPDX-License-Identifier: Apache-2.0
#include "sinks/coco_ground_truth.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>

#include "sinks/sinks_testing.hpp"

namespace osprey::sinks {
namespace {

using testing::HasSubstr;
using testing::Pair;
using testing::UnorderedElementsAre;

constexpr char kSmall[] = R"({
  "info": {"id": 7, "name": "x", "file_name": "y", "nested": [[{"id": 1}], 2.5, null, true]},
  "images": [{"id": 139, "file_name": "000000000139.jpg", "width": 640, "license": {"id": 3}},
             {"flags": [1, "file_name"], "file_name": "val/b.jpg", "id": -2}],
  "annotations": [{"id": "not looked at", "bbox": [1.5, 2, 3, 4]}],
  "categories": [{"supercategory": "person", "id": 1, "name": "person"}]
})";

TEST(CocoGroundTruth, gives_the_numbers_of_pictures_and_classes) {
  const auto truth = parse_coco_ground_truth(kSmall, "gt.json");
  ASSERT_TRUE(truth.ok()) << truth.error().message;
  EXPECT_THAT(truth->images,
              UnorderedElementsAre(Pair("000000000139.jpg", 139), Pair("val/b.jpg", -2)));
  EXPECT_THAT(truth->categories, UnorderedElementsAre(Pair("person", 1)));
}

TEST(CocoGroundTruth, finds_a_picture_by_the_end_of_its_path) {
  const auto truth = parse_coco_ground_truth(kSmall, "gt.json");
  EXPECT_EQ(truth->image_id("000000000139.jpg"), 139);
  EXPECT_EQ(truth->image_id("/data/val/000000000139.jpg"), 139);
  EXPECT_EQ(truth->image_id("data/val/b.jpg"), -2);
  EXPECT_EQ(truth->image_id("data/train/b.jpg"), std::nullopt);
  EXPECT_EQ(truth->image_id("data/xval/b.jpg"), std::nullopt);
  EXPECT_EQ(truth->image_id(""), std::nullopt);
}

TEST(CocoGroundTruth, a_file_reads_like_the_same_bytes_in_memory) {
  const TemporaryFolder folder;
  write_text(folder / "gt.json", kSmall);
  const auto truth = read_coco_ground_truth(folder / "gt.json");
  ASSERT_TRUE(truth.ok()) << truth.error().message;
  EXPECT_EQ(truth->images.size(), 2U);
  EXPECT_EQ(truth->categories.size(), 1U);
}

TEST(CocoGroundTruth, says_what_is_wrong_and_where) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "gt.json: not valid JSON at byte "},
      {"{\"images\": [}", "gt.json: not valid JSON at byte 13: "},
      {"{\"images\": [], \"categories\": []} x", "gt.json: not valid JSON at byte "},
      {"[]", "gt.json: expected an object with \"images\" and \"categories\""},
      {"7", "gt.json: expected an object with \"images\" and \"categories\""},
      {"{}", "gt.json: expected an array \"images\""},
      {R"({"images": []})", "gt.json: expected an array \"categories\""},
      {R"({"images": {}})", "gt.json: images: expected an array"},
      {R"({"images": [], "categories": null})", "gt.json: categories: expected an array"},
      {R"({"images": [[]]})", "gt.json: images[0]: expected an object"},
      {R"({"images": [7]})", "gt.json: images[0]: expected an object"},
      {R"({"images": [{"file_name": "a"}]})", "gt.json: images[0]: expected an \"id\""},
      {R"({"images": [{"id": 1, "file_name": "a"}, {"id": 2}]})",
       "gt.json: images[1]: expected a \"file_name\""},
      {R"({"images": [{"id": "1"}]})", "gt.json: images[0].id: expected a whole number"},
      {R"({"images": [{"id": 1.5}]})", "gt.json: images[0].id: expected a whole number"},
      {R"({"images": [{"id": 18446744073709551615}]})",
       "gt.json: images[0].id: expected a whole number"},
      {R"({"images": [{"id": {"id": 1}}]})", "gt.json: images[0].id: expected a whole number"},
      {R"({"images": [], "categories": [{"name": 1}]})",
       "gt.json: categories[0].name: expected a string"},
      {R"({"images": [], "categories": [{"name": "a", "id": 1}, {"name": "a", "id": 2}]})",
       "gt.json: categories[1].name: \"a\" is there twice"},
  };
  for (const auto& [json, message] : cases) {
    const auto truth = parse_coco_ground_truth(json, "gt.json");
    ASSERT_FALSE(truth.ok()) << json;
    EXPECT_EQ(truth.error().code, ErrorCode::kCorrupt) << json;
    EXPECT_THAT(truth.error().message, testing::StartsWith(message)) << json;
  }
}

TEST(CocoGroundTruth, nesting_without_end_is_an_error_and_no_crash) {
  const auto truth = parse_coco_ground_truth(std::string(1'000'000, '['), "gt.json");
  ASSERT_FALSE(truth.ok());
  const auto deep = parse_coco_ground_truth("{\"a\":" + std::string(1'000'000, '['), "gt.json");
  ASSERT_FALSE(deep.ok());
}

TEST(CocoGroundTruth, names_the_file_that_is_absent_or_a_folder) {
  const TemporaryFolder folder;
  const auto absent = read_coco_ground_truth(folder / "absent.json");
  ASSERT_FALSE(absent.ok());
  EXPECT_EQ(absent.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(absent.error().message, HasSubstr(folder / "absent.json"));
  const auto a_folder = read_coco_ground_truth(folder.path().string());
  ASSERT_FALSE(a_folder.ok());
  EXPECT_THAT(a_folder.error().message, HasSubstr("is a folder"));
}

TEST(CocoGroundTruth, reads_a_real_file) {
  const char* shared = std::getenv("OSPREY_SHARED_DIR");
  const auto path = std::filesystem::path(shared != nullptr ? shared : OSPREY_SHARED_DIR) /
                    "data/coco_val64/instances.json";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is not there";
  const auto truth = read_coco_ground_truth(path.string());
  ASSERT_TRUE(truth.ok()) << truth.error().message;
  EXPECT_EQ(truth->images.size(), 64U);
  EXPECT_EQ(truth->image_id("images/000000000139.jpg"), 139);
  EXPECT_EQ(truth->categories.size(), 80U);
  EXPECT_EQ(truth->categories.at("toothbrush"), 90);
}

}  // namespace
}  // namespace osprey::sinks
