// SPDX-License-Identifier: Apache-2.0
#include <osprey/evaluate_tracks.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/file_testing.hpp"

namespace osprey {
namespace {

using base::TemporaryFolder;
using base::write_text;
using testing::HasSubstr;
using testing::IsEmpty;
using Json = nlohmann::json;

TrackRules rules_of(const std::string& name) {
  return name == "mot17"   ? TrackRules::kMot17
         : name == "mot20" ? TrackRules::kMot20
                           : TrackRules::kAll;
}

void expect_numbers(const Json& expected, const Json& found, const std::string& what) {
  for (const auto& [key, value] : expected.items()) {
    if (value.is_array()) {
      for (std::size_t i = 0; i < value.size(); ++i) {
        EXPECT_NEAR(found[key][i].get<double>(), value[i].get<double>(), 1e-9)
            << what << ' ' << key << ' ' << i;
      }
    } else {
      EXPECT_NEAR(found[key].get<double>(), value.get<double>(), 1e-9) << what << ' ' << key;
    }
  }
}

// Made by bench/track/exact.py --write; the file names TrackEval's version.
TEST(Tracks, gives_the_numbers_of_trackeval) {
  std::ifstream file(EVALUATE_TESTDATA "/trackeval_cases.json");
  const auto cases = Json::parse(file)["cases"];
  ASSERT_GE(cases.size(), 18u);
  for (std::size_t number = 0; number < cases.size(); ++number) {
    const auto& one = cases[number];
    const TemporaryFolder folder;
    for (const auto& [name, texts] : one["sequences"].items()) {
      std::filesystem::create_directories(folder.path() / "gt" / name / "gt");
      std::filesystem::create_directories(folder.path() / "found");
      write_text(folder / ("gt/" + name + "/gt/gt.txt"), texts[0].get<std::string>());
      write_text(folder / ("found/" + name + ".txt"), texts[1].get<std::string>());
    }
    const auto result = evaluate_tracks({.ground_truth = folder / "gt",
                                         .tracks = folder / "found",
                                         .rules = rules_of(one["rules"].get<std::string>())});
    ASSERT_TRUE(result.ok()) << result.error().message;
    const auto json = Json::parse(to_json(*result));
    const auto what = "case " + std::to_string(number) + " ";
    expect_numbers(one["expected"]["all"], json["all"], what + "all");
    ASSERT_EQ(json["sequences"].size(), one["sequences"].size());
    for (const auto& sequence : json["sequences"]) {
      const auto name = sequence["name"].get<std::string>();
      expect_numbers(one["expected"][name], sequence, what + name);
    }
  }
}

Result<TrackEvaluation> of_texts(const std::string& truth, const std::string& found) {
  const TemporaryFolder folder;
  write_text(folder / "gt.txt", truth);
  write_text(folder / "found.txt", found);
  auto result =
      evaluate_tracks({.ground_truth = folder / "gt.txt", .tracks = folder / "found.txt"});
  if (result) return result;
  auto message = result.error().message;
  // The folder's name has no place in what is expected.
  for (auto at = message.find(folder.path().string()); at != std::string::npos;
       at = message.find(folder.path().string())) {
    message.erase(at, folder.path().string().size() + 1);
  }
  return Error{result.error().code, message};
}

// By hand: two objects, four frames. A is followed by 1, then by 3; B by 2 with half of its boxes;
// one box of 9 shows nothing.
TEST(Tracks, a_case_that_can_be_counted_by_hand) {
  const auto result = of_texts(
      "1,1,0,0,10,10,1,1,1\n2,1,0,0,10,10,1,1,1\n3,1,0,0,10,10,1,1,1\n4,1,0,0,10,10,1,1,1\n"
      "1,2,50,0,10,10,1,1,1\n2,2,50,0,10,10,1,1,1\n3,2,50,0,10,10,1,1,1\n4,2,50,0,10,10,1,1,1\n",
      "1,1,0,0,10,10,0.9,-1,-1,-1\n2,1,0,0,10,10,0.9,-1,-1,-1\n"
      "3,3,0,0,10,10,0.9,-1,-1,-1\n4,3,0,0,10,10,0.9,-1,-1,-1\n"
      "1 2 50 0 10 10\n3 2 50 0 10 10\n\n"
      "2;9;90;90;10;10\r\n");
  ASSERT_TRUE(result.ok()) << result.error().message;
  const auto& all = result->all;
  EXPECT_EQ(all.labels, 8);
  EXPECT_EQ(all.label_tracks, 2);
  EXPECT_EQ(all.boxes, 7);
  EXPECT_EQ(all.tracks, 4);
  EXPECT_EQ(all.correct, 6);
  EXPECT_EQ(all.missed, 2);
  EXPECT_EQ(all.wrong, 1);
  EXPECT_EQ(all.id_switches, 1);
  EXPECT_EQ(all.fragments, 1) << "B was lost for a frame and found again";
  EXPECT_EQ(all.mostly_tracked, 1);
  EXPECT_EQ(all.partly_tracked, 1);
  EXPECT_EQ(all.mostly_lost, 0);
  EXPECT_DOUBLE_EQ(all.mota, (6.0 - 1 - 1) / 8);
  EXPECT_DOUBLE_EQ(all.motp, 1);
  EXPECT_EQ(all.id_correct, 4) << "two of A by one of its tracks, two of B";
  EXPECT_DOUBLE_EQ(all.idf1, 4 / 7.5);
  EXPECT_DOUBLE_EQ(all.det_a, 6.0 / 9);
  // Each of the three pairs has two boxes of four, and its track no others.
  EXPECT_DOUBLE_EQ(all.ass_a, 0.5);
  EXPECT_DOUBLE_EQ(all.hota, std::sqrt(6.0 / 9 * 0.5));
  EXPECT_DOUBLE_EQ(all.loc_a, 1);
  EXPECT_THAT(result->warnings, IsEmpty());
  EXPECT_THAT(to_text(*result), HasSubstr("8 labels of 2 objects; 7 boxes of 4 tracks"));
}

TEST(Tracks, errors_name_the_file_and_the_line) {
  const std::string good = "1,1,0,0,10,10,1,1,1\n";
  const auto error = [&](const std::string& found) {
    return of_texts(good, found).error().message;
  };
  EXPECT_EQ(error("1,1,0,0,10,10\n1,2,0,0\n"),
            "found.txt: line 2: expected numbers: "
            "frame,id,left,top,width,height[,confidence[,class,...]]");
  EXPECT_THAT(error("1,1,0,0,10,ten\n"), HasSubstr("found.txt: line 1: expected numbers"));
  EXPECT_THAT(error("1,1,0,0,10,nan\n"), HasSubstr("found.txt: line 1: expected numbers"));
  EXPECT_THAT(error("0,1,0,0,10,10\n"), HasSubstr("line 1: frame: expected a whole number from 1"));
  EXPECT_THAT(error("1.5,1,0,0,10,10\n"), HasSubstr("frame: expected"));
  EXPECT_THAT(error("1e9,1,0,0,10,10\n"), HasSubstr("frame: expected"));
  EXPECT_THAT(error("1,-1,0,0,10,10\n"), HasSubstr("id: expected a whole number from 0"));
  EXPECT_EQ(error("1,1,0,0,10,10\n1,1,5,5,10,10\n"),
            "found.txt: line 2: id 1 is in frame 1 already");
}

TEST(Tracks, sequences_without_tracks_are_an_error_and_what_is_odd_a_warning) {
  const TemporaryFolder folder;
  for (const char* name : {"gt", "found", "empty"})
    std::filesystem::create_directory(folder / name);
  const std::string line = "1,1,0,0,10,10,1,1,1\n";
  write_text(folder / "gt/a.txt", line);
  write_text(folder / "gt/b.txt", line);
  write_text(folder / "found/a.txt", line + "2,1,0,0,10,10,1,1,1\n");
  const TrackEvaluationOptions options{.ground_truth = folder / "gt", .tracks = folder / "found"};
  EXPECT_THAT(evaluate_tracks(options).error().message, HasSubstr("found: has no b.txt"));
  write_text(folder / "found/b.txt", line);
  write_text(folder / "found/c.txt", line);
  const auto result = evaluate_tracks(options);
  ASSERT_TRUE(result.ok()) << result.error().message;
  ASSERT_EQ(result->warnings.size(), 2u);
  EXPECT_THAT(result->warnings[0], HasSubstr("a.txt: goes on to frame 2"));
  EXPECT_THAT(result->warnings[1], HasSubstr("c.txt: passed over"));
  EXPECT_THAT(evaluate_tracks({.ground_truth = folder / "empty", .tracks = folder / "found"})
                  .error()
                  .message,
              HasSubstr("empty: expected <sequence>.txt"));
  EXPECT_THAT(evaluate_tracks({.ground_truth = folder / "none.txt", .tracks = folder / "found"})
                  .error()
                  .message,
              HasSubstr("none"));
}

}  // namespace
}  // namespace osprey
