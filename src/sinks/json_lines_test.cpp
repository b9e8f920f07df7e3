// SPDX-License-Identifier: Apache-2.0
#include "sinks/json_lines.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "sinks/sinks_testing.hpp"

namespace osprey::sinks {
namespace {

using Json = nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::vector<std::string> kNames = {"person", "a \"quoted\"\nname"};

FrameResult two_objects() {
  return result_of({1, 41}, 768, 576,
                   {{{9.75F, 20.25F, 41.5F, 60.5F}, 0.875F, 0}, {{0, 0, 768, 576}, 0.1F, 1}});
}

std::vector<Json> written(const std::vector<FrameResult>& results) {
  const TemporaryFolder folder;
  auto sink = create_json_lines(folder / "out.jsonl", kNames);
  EXPECT_TRUE(sink.ok());
  EXPECT_TRUE((*sink)->begin(stream_info(0, "zero.mp4")).ok());
  EXPECT_TRUE((*sink)->begin(stream_info(1, "one.mp4")).ok());
  for (const auto& result : results) EXPECT_TRUE((*sink)->write(result).ok());
  EXPECT_TRUE((*sink)->finish().ok());
  EXPECT_THAT((*sink)->outputs(), ElementsAre(folder / "out.jsonl"));
  std::istringstream text(read_text(folder / "out.jsonl"));
  std::vector<Json> lines;
  for (std::string line; std::getline(text, line);) lines.push_back(Json::parse(line));
  return lines;
}

TEST(JsonLines, a_line_says_where_its_frame_comes_from) {
  const auto lines = written({two_objects()});
  ASSERT_EQ(lines.size(), 1U);
  const Json& line = lines[0];
  EXPECT_EQ(line["stream"], 1);
  EXPECT_EQ(line["source"], "one.mp4");
  EXPECT_EQ(line["sequence"], 41);
  EXPECT_EQ(line["timestamp"], 1'640'000'000);
  EXPECT_EQ(line["resolution"], (Json{{"width", 768}, {"height", 576}}));
  EXPECT_FALSE(line.contains("path"));
  EXPECT_FALSE(line.contains("error"));
}

TEST(JsonLines, an_object_has_its_box_in_pixels_whole_pixels_and_parts_of_the_frame) {
  const Json object = written({two_objects()}).at(0).at("objects").at(0);
  EXPECT_EQ(object["x"], 10);
  EXPECT_EQ(object["y"], 20);
  EXPECT_EQ(object["w"], 42 - 10);
  EXPECT_EQ(object["h"], 61 - 20);
  const Json& pixels = object["bounding_box"];
  EXPECT_EQ(pixels["x_min"].get<float>(), 9.75F);
  EXPECT_EQ(pixels["y_min"].get<float>(), 20.25F);
  EXPECT_EQ(pixels["x_max"].get<float>(), 41.5F);
  EXPECT_EQ(pixels["y_max"].get<float>(), 60.5F);
  const Json& normalised = object["detection"]["bounding_box"];
  EXPECT_EQ(normalised["x_min"].get<float>(), 9.75F / 768);
  EXPECT_EQ(normalised["y_min"].get<float>(), 20.25F / 576);
  EXPECT_EQ(normalised["x_max"].get<float>(), 41.5F / 768);
  EXPECT_EQ(normalised["y_max"].get<float>(), 60.5F / 576);
}

TEST(JsonLines, in_runs_of_several_models_objects_have_numbers_models_and_parents) {
  const TemporaryFolder folder;
  auto sink = *create_json_lines(folder / "o.jsonl", kNames, {"cars", "plates"});
  ASSERT_TRUE(sink->begin(stream_info(1, "one.mp4")).ok());
  auto result = two_objects();
  result.detections[1].model = 1;
  result.detections[1].parent = 0;
  ASSERT_TRUE(sink->write(result).ok());
  ASSERT_TRUE(sink->finish().ok());
  const Json objects = Json::parse(read_text(folder / "o.jsonl"))["objects"];
  EXPECT_EQ(objects[0]["region_id"], 1);
  EXPECT_FALSE(objects[0].contains("parent_id"));
  EXPECT_EQ(objects[0]["detection"]["model"]["name"], "cars");
  EXPECT_EQ(objects[1]["region_id"], 2);
  EXPECT_EQ(objects[1]["parent_id"], 1);
  EXPECT_EQ(objects[1]["detection"]["model"]["name"], "plates");
  const Json alone = written({two_objects()}).at(0).at("objects").at(1);
  EXPECT_FALSE(alone.contains("region_id"));
  EXPECT_FALSE(alone["detection"].contains("model"));
}

TEST(JsonLines, an_object_that_is_followed_has_its_number) {
  auto result = two_objects();
  result.detections[0].track_id = 7;
  const Json objects = written({result}).at(0).at("objects");
  EXPECT_EQ(objects[0]["id"], 7);
  EXPECT_FALSE(objects[1].contains("id"));
}

TEST(JsonLines, an_object_has_its_class_and_confidence) {
  const Json objects = written({two_objects()}).at(0).at("objects");
  ASSERT_EQ(objects.size(), 2U);
  for (int i = 0; i < 2; ++i) {
    const Json& detection = objects[i]["detection"];
    EXPECT_EQ(detection["label_id"], i);
    EXPECT_EQ(detection["label"], kNames[i]);
    EXPECT_EQ(objects[i]["roi_type"], kNames[i]);
    EXPECT_EQ(detection["confidence"].get<float>(), two_objects().detections[i].confidence);
  }
}

TEST(JsonLines, a_class_without_a_name_has_its_number_for_a_label) {
  const Json objects =
      written({result_of({0, 0}, 10, 10, {{{}, 1, 2}, {{}, 1, -1}})}).at(0).at("objects");
  EXPECT_EQ(objects[0]["detection"]["label"], "2");
  EXPECT_EQ(objects[0]["detection"]["label_id"], 2);
  EXPECT_EQ(objects[1]["detection"]["label"], "-1");
}

TEST(JsonLines, a_picture_has_its_path) {
  const Json line = written({result_of({0, 0}, 10, 10, {}, "shots/\xff.jpg")}).at(0);
  EXPECT_EQ(line["path"], "shots/\xef\xbf\xbd.jpg");
}

TEST(JsonLines, a_frame_without_objects_has_an_empty_list_and_a_failed_one_has_none) {
  FrameResult failed = two_objects();
  failed.error = Error{ErrorCode::kInternal, "the \"device\" went away"};
  const auto lines = written({result_of({0, 0}, 10, 10, {}), failed});
  EXPECT_EQ(lines.at(0).at("objects"), Json::array());
  EXPECT_FALSE(lines.at(0).contains("error"));
  EXPECT_EQ(lines.at(1).at("error"), "the \"device\" went away");
  EXPECT_FALSE(lines.at(1).contains("objects"));
}

TEST(JsonLines, numbers_that_are_none_do_not_break_the_line) {
  constexpr float kNone = std::numeric_limits<float>::quiet_NaN();
  constexpr float kFar = std::numeric_limits<float>::infinity();
  const Json line =
      written({result_of({0, 0}, 10, 10, {{{kNone, -kFar, kFar, 1e30F}, kNone, 0}})}).at(0);
  EXPECT_TRUE(line["objects"][0]["bounding_box"]["x_min"].is_null());
  EXPECT_TRUE(line["objects"][0]["detection"]["confidence"].is_null());
}

TEST(JsonLines, equal_results_give_equal_bytes_with_the_keys_in_the_documented_order) {
  const TemporaryFolder folder;
  std::string texts[2];
  for (std::string& text : texts) {
    auto sink = create_json_lines(folder / "out.jsonl", {"person"});
    ASSERT_TRUE((*sink)->begin(stream_info(0, "street.mp4")).ok());
    ASSERT_TRUE((*sink)->write(result_of({0, 0}, 100, 50, {{{10, 5, 60, 25.5F}, 0.875F, 0}})).ok());
    ASSERT_TRUE((*sink)->finish().ok());
    text = read_text(folder / "out.jsonl");
  }
  EXPECT_EQ(texts[0], texts[1]);
  EXPECT_EQ(texts[0],
            R"({"stream":0,"source":"street.mp4","sequence":0,"timestamp":0,)"
            R"("resolution":{"width":100,"height":50},"objects":[{"x":10,"y":5,"w":50,"h":21,)"
            R"("roi_type":"person",)"
            R"("bounding_box":{"x_min":10,"y_min":5,"x_max":60,"y_max":25.5},)"
            R"("detection":{"bounding_box":{"x_min":0.1,"y_min":0.1,"x_max":0.6,"y_max":0.51},)"
            R"("confidence":0.875,"label":"person","label_id":0}}]})"
            "\n");
}

TEST(JsonLines, leaves_no_file_without_finish) {
  const TemporaryFolder folder;
  {
    auto sink = create_json_lines(folder / "out.jsonl", kNames);
    ASSERT_TRUE((*sink)->begin(stream_info(1, "one.mp4")).ok());
    ASSERT_TRUE((*sink)->write(two_objects()).ok());
  }
  EXPECT_THAT(folder.entries(), IsEmpty());
}

TEST(JsonLines, does_not_need_pixels) {
  EXPECT_FALSE(create_json_lines(STDOUT_FILENO, kNames)->wants_pixels());
}

TEST(JsonLines, a_stream_hands_over_each_line_at_once_and_leaves_the_descriptor_open) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_NONBLOCK), 0);
  {
    auto sink = create_json_lines(ends[1], kNames);
    ASSERT_TRUE(sink->begin(stream_info(1, "one.mp4")).ok());
    for (int i = 0; i < 2; ++i) {
      ASSERT_TRUE(sink->write(two_objects()).ok());
      std::string line(4096, '\0');
      const ssize_t bytes = ::read(ends[0], line.data(), line.size());
      ASSERT_GT(bytes, 0);
      line.resize(static_cast<std::size_t>(bytes));
      EXPECT_EQ(line.find('\n'), line.size() - 1);
      EXPECT_EQ(Json::parse(line)["sequence"], 41);
    }
    ASSERT_TRUE(sink->finish().ok());
    EXPECT_THAT(sink->outputs(), IsEmpty());
  }
  EXPECT_EQ(::write(ends[1], "x", 1), 1);
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST(JsonLines, a_stream_whose_reader_went_away_is_an_error) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ::close(ends[0]);
  const auto before = std::signal(SIGPIPE, SIG_IGN);
  auto sink = create_json_lines(ends[1], kNames);
  ASSERT_TRUE(sink->begin(stream_info(1, "one.mp4")).ok());
  const Status status = sink->write(two_objects());
  std::signal(SIGPIPE, before);
  ::close(ends[1]);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, ErrorCode::kIo);
  EXPECT_THAT(status.error().message, HasSubstr("Broken pipe"));
}

TEST(JsonLines, a_full_disk_is_an_error_that_names_the_file) {
  auto sink = create_json_lines("/dev/full", kNames);
  ASSERT_TRUE(sink.ok()) << sink.error().message;
  ASSERT_TRUE((*sink)->begin(stream_info(1, "one.mp4")).ok());
  const Status status = (*sink)->write(two_objects());
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().message, "/dev/full: No space left on device");
}

}  // namespace
}  // namespace osprey::sinks
