// SPDX-License-Identifier: Apache-2.0
#include "engine/options.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/file_testing.hpp"

namespace osprey::engine {
namespace {

class OptionsFile : public testing::Test {
 protected:
  std::string file(const std::string& text) {
    base::write_text(folder_ / "settings.yaml", text);
    return folder_ / "settings.yaml";
  }

  std::string error_of(const std::string& text) {
    Options options;
    const auto status = read_yaml(file(text), options);
    return status ? std::string() : status.error().message;
  }

  base::TemporaryFolder folder_;
};

TEST(Options, every_default_but_an_unset_one_is_a_value_its_own_setting_takes) {
  const Options defaults;
  for (const auto& spec : option_table()) {
    const auto text = spec.get(defaults);
    if (text.empty()) continue;
    Options options;
    EXPECT_TRUE(spec.set(options, text).ok()) << spec.key;
    EXPECT_EQ(spec.get(options), text) << spec.key;
  }
}

TEST(Options, values_out_of_range_are_refused_by_name_and_range) {
  const std::pair<const char*, const char*> cases[] = {
      {"conf", "1.1"},        {"conf", "nan"},       {"conf", "0.5x"},     {"iou", "-0.1"},
      {"max-det", "0"},       {"lanes", "65"},       {"lanes", "two"},     {"vid-stride", "0"},
      {"imgsz", "31"},        {"imgsz", "1,2,3"},    {"precision", "f64"}, {"policy", "drop"},
      {"save", "yes"},        {"head", "yolo"},      {"classes", ","},     {"json", ""},
      {"imgsz", "640,"},      {"tiles", "640x"},     {"tiles", "0x3"},     {"overlap", "1"},
      {"roi", "1,2 3,4"},     {"roi", "1,2 3,4 5;"}, {"merge", "soft"},    {"merge-threshold", "0"},
      {"classes", "car,,bus"}};
  for (const auto& [key, text] : cases) {
    Options options;
    const auto status = find_option(key)->set(options, text);
    ASSERT_FALSE(status.ok()) << key << '=' << text;
    EXPECT_NE(status.error().message.find("--" + std::string(key)), std::string::npos) << key;
    EXPECT_NE(status.error().message.find("expected"), std::string::npos) << key;
  }
}

TEST(Options, underscores_and_dashes_are_the_same) {
  EXPECT_EQ(find_option("save_txt"), find_option("save-txt"));
  EXPECT_NE(find_option("save_txt"), nullptr);
  EXPECT_EQ(find_option("save txt"), nullptr);
}

TEST(Options, a_near_miss_is_suggested_and_a_far_one_is_not) {
  const std::vector<std::string_view> known = {"save-txt", "conf"};
  EXPECT_EQ(suggestion("save_text", known), "; did you mean save-txt?");
  EXPECT_EQ(suggestion("frobnicate", known), "");
}

TEST(Options, regions_are_read_as_they_are_written) {
  Options options;
  ASSERT_TRUE(find_option("roi")->set(options, "0,0 640,0 640,480; 1.5,2 3,4 5,6 7,8").ok());
  ASSERT_EQ(options.roi.size(), 2u);
  EXPECT_EQ(options.roi[0].size(), 3u);
  EXPECT_EQ(options.roi[1].size(), 4u);
  EXPECT_EQ(options.roi[1][0].x, 1.5);
  EXPECT_EQ(find_option("roi")->get(options), "0,0 640,0 640,480;1.5,2 3,4 5,6 7,8");
}

TEST(Options, what_is_said_of_tiles_needs_tiles) {
  Options options;
  options.sources = {"a.mp4"};
  options.model = "m.onnx";
  options.with_frame = true;
  EXPECT_FALSE(check(options).ok());
  options.tiles = "640";
  EXPECT_TRUE(check(options).ok());
  options.draw_tiles = true;
  EXPECT_FALSE(check(options).ok());
  options.save = true;
  EXPECT_TRUE(check(options).ok());
}

TEST(Options, contradictions_are_found) {
  Options options;
  EXPECT_FALSE(check(options).ok());
  options.sources = {"a.mp4"};
  EXPECT_FALSE(check(options).ok());
  options.model = "m.onnx";
  EXPECT_TRUE(check(options).ok());
  options.save_conf = true;
  EXPECT_FALSE(check(options).ok());
  options.save_txt = true;
  EXPECT_TRUE(check(options).ok());
  options.json = options.coco = "same.json";
  EXPECT_FALSE(check(options).ok());
  options.json = options.coco = "-";
  EXPECT_FALSE(check(options).ok());
}

TEST(Options, the_page_has_every_setting) {
  const auto page = options_as_markdown();
  for (const auto& spec : option_table()) {
    EXPECT_NE(page.find((spec.group == OptionGroup::kPlan ? "`" : "`--") + std::string(spec.key)),
              std::string::npos)
        << spec.key;
  }
}

TEST_F(OptionsFile, takes_values_lists_and_sources) {
  Options options;
  const auto status = read_yaml(file("source: [a.mp4, b.mp4]\nconf: 0.5\nclasses: [car, "
                                     "3]\nsave_txt: true\nimgsz: [384, 640]\n"),
                                options);
  ASSERT_TRUE(status.ok()) << status.error().message;
  EXPECT_EQ(options.sources, (std::vector<std::string>{"a.mp4", "b.mp4"}));
  EXPECT_FLOAT_EQ(options.conf, 0.5f);
  EXPECT_EQ(options.classes, (std::vector<std::string>{"car", "3"}));
  EXPECT_TRUE(options.save_txt);
  EXPECT_EQ(options.imgsz, (std::vector<int>{384, 640}));
}

TEST_F(OptionsFile, names_file_line_and_key_of_what_is_wrong) {
  EXPECT_NE(error_of("model: m\nconfi: 1\n").find(":2: unknown key 'confi'; did you mean conf?"),
            std::string::npos);
  EXPECT_NE(error_of("model: m\n\nconf: 3\n").find(":3: --conf"), std::string::npos);
  EXPECT_NE(error_of("model: {a: b}\n").find(":1: model"), std::string::npos);
  EXPECT_NE(error_of("- a\n- b\n").find("expected keys and values"), std::string::npos);
  EXPECT_NE(error_of("model: [\n").find("settings.yaml:"), std::string::npos);
}

TEST_F(OptionsFile, may_be_empty) {
  EXPECT_EQ(error_of(""), "");
}

TEST_F(OptionsFile, says_that_it_is_not_there) {
  Options options;
  const auto status = read_yaml(folder_ / "nope.yaml", options);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, ErrorCode::kNotFound);
}

TEST_F(OptionsFile, says_why_it_cannot_be_opened) {
  std::filesystem::create_symlink("loop.yaml", folder_ / "loop.yaml");
  Options options;
  const auto status = read_yaml(folder_ / "loop.yaml", options);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, ErrorCode::kIo);
}

}  // namespace
}  // namespace osprey::engine
