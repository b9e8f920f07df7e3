// SPDX-License-Identifier: Apache-2.0
#include "model/class_names.hpp"

#include <gtest/gtest.h>

#include <set>

#include "base/file_testing.hpp"

namespace osprey::model {
namespace {

using Names = std::vector<std::string>;

class names_file : public testing::Test {
 protected:
  std::string write(const std::string& name, const std::string& text) const {
    base::write_text(folder_ / name, text);
    return folder_ / name;
  }

  base::TemporaryFolder folder_;
};

TEST(coco_names, are_eighty_different_ones_with_the_ids_of_cocos_files) {
  const auto& names = coco80_names();
  EXPECT_EQ(names.size(), 80u);
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), 80u);
  EXPECT_EQ(names[0], "person");
  EXPECT_EQ(names[39], "bottle");
  EXPECT_EQ(names[79], "toothbrush");
  EXPECT_EQ(coco91_id(0), 1);
  EXPECT_EQ(coco91_id(11), 13);  // 12 was to be the street sign
  EXPECT_EQ(coco91_id(39), 44);
  EXPECT_EQ(coco91_id(79), 90);
  EXPECT_EQ(coco91_id(-1), 0);
  EXPECT_EQ(coco91_id(80), 0);
  for (int i = 1; i < 80; ++i) EXPECT_GT(coco91_id(i), coco91_id(i - 1));
}

TEST(parse_names, reads_what_python_writes) {
  EXPECT_EQ(*parse_names("{0: 'person', 1: 'bicycle'}"), (Names{"person", "bicycle"}));
  EXPECT_EQ(*parse_names("{0: \"driver's, seat\", 1: 'a \"b\": {c}'}"),
            (Names{"driver's, seat", "a \"b\": {c}"}));
  EXPECT_EQ(*parse_names(R"(['it\'s', 'a\\b', 'tab\there', 'caf\xe9', '\u732b', '\U0001f431',])"),
            (Names{"it's", "a\\b", "tab\there", "caf\u00e9", "\u732b", "\U0001F431"}));
  EXPECT_EQ(*parse_names("{0: 'pi\u00e9ton'}"), Names{"pi\u00e9ton"});
  EXPECT_EQ(*parse_names("{1: 'b',\n 0: 'a'}"), (Names{"a", "b"}));
  EXPECT_EQ(*parse_names("{0: 8, 1: True, 2: 'x'}"), (Names{"8", "True", "x"}));
}

TEST(parse_names, reads_json) {
  EXPECT_EQ(*parse_names(R"(["person", "\ud83d\udc31", "\u00e9\/"])"),
            (Names{"person", "\U0001F431", "\u00e9/"}));
  EXPECT_EQ(*parse_names(R"({"1": "b", "0": "a"})"), (Names{"a", "b"}));
}

TEST(parse_names, says_where_a_text_goes_wrong) {
  const char* broken[] = {"",
                          "person",
                          "{",
                          "{}",
                          "[]",
                          "{0: 'a'",
                          "{0: 'a}",
                          "{0 'a'}",
                          "{0: 'a' 1: 'b'}",
                          "{0: 'a', 0: 'b'}",
                          "{0: 'a', 2: 'b'}",
                          "{1: 'a'}",
                          "{-1: 'a'}",
                          "{99999999999: 'a'}",
                          "{4000000: 'a'}",
                          "{'x': 'a'}",
                          "['a'] b",
                          "['\\",
                          "['\\q']",
                          "['\\x1']",
                          "['\\ud800']",
                          "['\\ud800\\u0041']",
                          "['\\U00110000']",
                          "[,]",
                          "['a',,'b']"};
  for (const auto* text : broken) {
    const auto names = parse_names(text);
    ASSERT_FALSE(names.ok()) << text;
    EXPECT_EQ(names.error().code, ErrorCode::kCorrupt) << text;
  }
  EXPECT_EQ(parse_names("{0: 'a' 1: 'b'}").error().message, "expected , or } at character 9");
}

TEST_F(names_file, has_one_name_a_line) {
  const auto path = write("coco.names", "\xEF\xBB\xBFperson\r\n traffic light \r\ncar\n\n\n");
  EXPECT_EQ(*read_names_file(path), (Names{"person", "traffic light", "car"}));
}

TEST_F(names_file, may_be_a_data_yaml_with_a_list_or_a_mapping) {
  EXPECT_EQ(
      *read_names_file(write("list.yaml", "path: x\nnc: 2\nnames: [person, 'traffic, light']\n")),
      (Names{"person", "traffic, light"}));
  EXPECT_EQ(*read_names_file(write("map.yml", "train: a\nnames:\n  1: car # two\n  0: person\n")),
            (Names{"person", "car"}));
  EXPECT_EQ(*read_names_file(write("names.json", R"({"names": {"0": "a", "1": "b"}})")),
            (Names{"a", "b"}));
  EXPECT_EQ(*read_names_file(write("bare.json", R"(["a", "b"])")), (Names{"a", "b"}));
}

TEST_F(names_file, that_is_unusable_is_named_with_its_fault) {
  const auto fails = [](const std::string& path, ErrorCode code, const std::string& words) {
    const auto names = read_names_file(path);
    ASSERT_FALSE(names.ok()) << path;
    EXPECT_EQ(names.error().code, code) << names.error().message;
    EXPECT_NE(names.error().message.find(path), std::string::npos) << names.error().message;
    EXPECT_NE(names.error().message.find(words), std::string::npos) << names.error().message;
  };
  fails(folder_ / "none.names", ErrorCode::kNotFound, "no such");
  fails(folder_.path(), ErrorCode::kInvalidArgument, "folder");
  fails(write("empty.names", "\n\n"), ErrorCode::kCorrupt, "no names");
  fails(write("gap.names", "a\n\nb\n"), ErrorCode::kCorrupt, "line 2");
  fails(write("bad.yaml", "names: [a"), ErrorCode::kCorrupt, "");
  fails(write("scalar.yaml", "names: 7\n"), ErrorCode::kCorrupt, "list or mapping");
  fails(write("gap.yaml", "names: {0: a, 2: b}\n"), ErrorCode::kCorrupt, "without gaps");
  fails(write("deep.yaml", "names: [[a]]\n"), ErrorCode::kCorrupt, "");
  fails(write("negative.yaml", "names: {-1: a}\n"), ErrorCode::kCorrupt, "");
}

}  // namespace
}  // namespace osprey::model
