// SPDX-License-Identifier: Apache-2.0
// Runs of several models, from their settings to their results.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "base/file_testing.hpp"
#include "base/read_file.hpp"
#include "base/try.hpp"
#include "engine/detect_run.hpp"
#include "tests/support/test_models.hpp"
#include "tests/support/test_pictures.hpp"

namespace osprey::engine {
namespace {

using nlohmann::json;
using support::Spot;
using ::testing::HasSubstr;

constexpr int kFrames = 40;

/// The same picture again and again.
class Repeated final : public media::Source {
 public:
  explicit Repeated(Image picture) : picture_(std::move(picture)) {
    info_.uri = "repeated";
    info_.width = picture_.width;
    info_.height = picture_.height;
  }
  const StreamInfo& info() const override { return info_; }
  Result<std::optional<Frame>> read() override {
    if (next_ == kFrames) return std::optional<Frame>();
    Frame frame;
    frame.id = {0, next_++};
    frame.image = picture_;
    return std::optional(std::move(frame));
  }
  media::SourceHealth health() const override { return {}; }
  void cancel() override {}

 private:
  Image picture_;
  StreamInfo info_;
  std::uint64_t next_ = 0;
};

class SeveralModels : public testing::Test {
 protected:
  SeveralModels() {
    write("a.onnx", {});
    write("b.onnx", {});
    write("broken.onnx", {.broken = true});
  }

  void write(const std::string& name, const support::SpotDetector& detector) {
    ASSERT_TRUE(support::write_spot_detector(folder_ / name, detector).ok());
  }

  Result<Options> options_from(std::string yaml) {
    for (auto at = yaml.find("DIR/"); at != std::string::npos; at = yaml.find("DIR/")) {
      yaml.replace(at, 4, folder_ / "");
    }
    base::write_text(folder_ / "plan.yaml", yaml);
    Options options;
    OSPREY_TRY(read_yaml(folder_ / "plan.yaml", options));
    options.sources = {"repeated"};
    options.json = folder_ / "o.jsonl";
    options.lanes = 2;
    OSPREY_TRY(check(options));
    return options;
  }

  /// The objects of each frame.
  Result<std::vector<json>> run(const std::string& yaml, std::span<const Spot> spots) {
    const auto options = OSPREY_TRY(options_from(yaml));
    std::vector<std::unique_ptr<media::Source>> sources;
    sources.push_back(std::make_unique<Repeated>(support::picture_of(128, 128, spots)));
    auto parts = OSPREY_TRY(make_parts(std::move(sources), options));
    const auto run = OSPREY_TRY(DetectRun::start(std::move(parts), options, clock_));
    OSPREY_TRY(run->wait());
    report_ = run->report();
    std::istringstream lines(OSPREY_TRY(base::read_file(options.json, "results")));
    std::vector<json> frames;
    for (std::string line; std::getline(lines, line);) {
      const auto frame = json::parse(line);
      EXPECT_EQ(frame["sequence"], frames.size());
      frames.push_back(frame.contains("objects") ? frame["objects"] : frame["error"]);
    }
    EXPECT_EQ(frames.size(), kFrames);
    return frames;
  }

  /// The objects, which are the same in each frame.
  json objects(const std::string& yaml, std::span<const Spot> spots) {
    const auto frames = run(yaml, spots);
    EXPECT_TRUE(frames.ok()) << frames.error().message;
    for (const auto& frame : *frames) EXPECT_EQ(frame, frames->front());
    return frames->front();
  }

  std::string error(const std::string& yaml) {
    const auto frames = run(yaml, {});
    return frames ? std::string() : frames.error().message;
  }

  base::RealClock clock_;
  base::TemporaryFolder folder_;
  RunReport report_;
};

std::string label(const json& object) {
  return object["detection"]["label"];
}
std::string model(const json& object) {
  return object["detection"]["model"]["name"];
}

const Spot kRedAndBlue[] = {{8, 16, 24, 24, 0}, {80, 88, 24, 24, 2}};

TEST_F(SeveralModels, side_by_side_find_each_object_once_and_are_named) {
  const auto found = objects("model: [DIR/a.onnx, DIR/b.onnx]\nconf: 0.5\n", kRedAndBlue);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_NE(label(found[0]), label(found[1]));
  for (const auto& object : found) EXPECT_EQ(model(object), "a");
  EXPECT_EQ(found[1]["region_id"], 2);
  EXPECT_FALSE(found[0].contains("parent_id"));
  EXPECT_EQ(report_.models[0].inferences, kFrames);
  EXPECT_EQ(report_.models[1].inferences, kFrames);
}

TEST_F(SeveralModels, keep_and_rename_classes_each_by_its_own_settings) {
  const auto found = objects(
      "conf: 0.5\n"
      "models:\n"
      "- {model: DIR/a.onnx, name: warm, classes: red, map: {red: stop, green: go}}\n"
      "- {model: DIR/a.onnx, name: cold, classes: [blue], conf: 0.6}\n",
      kRedAndBlue);
  ASSERT_EQ(found.size(), 2u);
  const int stop = label(found[0]) == "stop" ? 0 : 1;
  EXPECT_EQ(label(found[stop]), "stop");
  EXPECT_EQ(model(found[stop]), "warm");
  EXPECT_EQ(label(found[1 - stop]), "blue");
  EXPECT_EQ(model(found[1 - stop]), "cold");
}

TEST_F(SeveralModels, may_look_at_tiles_and_at_the_whole_frame) {
  const auto found = objects(
      "conf: 0.5\nfuse: wbf\n"
      "models:\n"
      "- {model: DIR/a.onnx, tiles: 64, overlap: 0.5}\n"
      "- {model: DIR/b.onnx, weight: 2}\n",
      kRedAndBlue);
  EXPECT_EQ(found.size(), 2u);
  EXPECT_EQ(report_.models[0].inferences, 9 * kFrames);
  EXPECT_EQ(report_.models[1].inferences, kFrames);
}

// A small blue square beside each of two red ones; a green one for itself.
const Spot kPairs[] = {{24, 24, 24, 24, 0},
                       {52, 32, 10, 10, 2},
                       {24, 80, 24, 24, 0},
                       {52, 88, 10, 10, 2},
                       {100, 40, 16, 16, 1}};
const char* const kChain =
    "conf: 0.5\n"
    "models:\n"
    "- {model: DIR/b.onnx, name: small, after: large, on: red, margin: 0.7, classes: blue%s}\n"
    "- {model: DIR/a.onnx, name: large, classes: [red, green]}\n";

std::string chain(const std::string& more) {
  char text[512];
  std::snprintf(text, sizeof text, kChain, more.c_str());
  return text;
}

TEST_F(SeveralModels, one_after_the_other_attach_what_they_find_to_its_object) {
  const auto found = objects(chain(""), kPairs);
  ASSERT_EQ(found.size(), 5u);
  std::set<int> parents;
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(found[i]["region_id"], i + 1);
    EXPECT_EQ(model(found[i]), i < 3 ? "large" : "small");
    EXPECT_EQ(found[i].contains("parent_id"), i >= 3);
    if (i < 3) continue;
    EXPECT_EQ(label(found[i]), "blue");
    const json& parent = found[found[i]["parent_id"].get<int>() - 1];
    EXPECT_EQ(label(parent), "red");
    EXPECT_NEAR(found[i]["y"].get<int>(), parent["y"].get<int>() + 8, 2);
    EXPECT_NEAR(found[i]["x"].get<int>(), 52, 2);
    parents.insert(found[i]["parent_id"].get<int>());
  }
  EXPECT_EQ(parents.size(), 2u);
  EXPECT_EQ(report_.models[0].inferences, 2 * kFrames);
}

TEST_F(SeveralModels, one_after_the_other_may_merge_what_they_find) {
  const auto found = objects(chain(", results: merge"), kPairs);
  ASSERT_EQ(found.size(), 5u);
  int blue = 0;
  float last = 1;
  for (const auto& object : found) {
    blue += label(object) == "blue";
    EXPECT_FALSE(object.contains("parent_id"));
    EXPECT_LE(object["detection"]["confidence"], last);
    last = object["detection"]["confidence"];
  }
  EXPECT_EQ(blue, 2);
}

TEST_F(SeveralModels, one_after_the_other_look_at_the_surest_boxes_only_if_told) {
  EXPECT_EQ(objects(chain(", max-crops: 1"), kPairs).size(), 4u);
  EXPECT_EQ(objects(chain(", min-size: 30"), kPairs).size(), 3u);
}

TEST_F(SeveralModels, make_chains_of_three) {
  const auto found = objects(
      "conf: 0.5\n"
      "models:\n"
      "- {model: DIR/a.onnx, name: first, classes: red}\n"
      "- {model: DIR/a.onnx, name: second, after: first, margin: 0.7, classes: blue, batch: 2}\n"
      "- {model: DIR/a.onnx, name: third, after: second, margin: 1, min-size: 4, classes: blue}\n",
      kPairs);
  ASSERT_EQ(found.size(), 6u);
  for (int i = 4; i < 6; ++i) {
    EXPECT_EQ(model(found[i]), "third");
    const json& parent = found[found[i]["parent_id"].get<int>() - 1];
    EXPECT_EQ(model(parent), "second");
    EXPECT_EQ(model(found[parent["parent_id"].get<int>() - 1]), "first");
  }
}

TEST_F(SeveralModels, one_that_cannot_be_loaded_is_named_and_stops_the_run_unless_it_is_optional) {
  EXPECT_THAT(error("models: [{model: DIR/a.onnx}, {model: DIR/none.onnx, name: night}]"),
              testing::AllOf(HasSubstr("model 'night': "), HasSubstr("no such model file")));
  const auto found = objects(
      "conf: 0.5\n"
      "models:\n"
      "- {model: DIR/none.onnx, name: night, optional: true}\n"
      "- {model: DIR/a.onnx, name: day}\n"
      "- {model: DIR/a.onnx, name: stars, after: night, margin: 1}\n",
      kRedAndBlue);
  EXPECT_EQ(found.size(), 2u);
  EXPECT_EQ(report_.models[0].inferences, 0u);
  EXPECT_THAT(report_.models[0].left_out, HasSubstr("model 'night': "));
  EXPECT_THAT(report_.models[2].left_out, HasSubstr("model 'stars': runs after 'night'"));
}

TEST_F(SeveralModels, one_that_gives_nonsense_is_named_and_fails_its_frames_unless_optional) {
  const auto frames = run("models: [{model: DIR/a.onnx}, {model: DIR/broken.onnx}]", kRedAndBlue);
  ASSERT_TRUE(frames.ok());
  for (const auto& frame : *frames) {
    EXPECT_EQ(frame, "model 'broken': output 0 holds values that are not numbers");
  }
  EXPECT_TRUE(report_.all_failed());
  const auto found =
      objects("conf: 0.5\nmodels: [{model: DIR/a.onnx}, {model: DIR/broken.onnx, optional: true}]",
              kRedAndBlue);
  EXPECT_EQ(found.size(), 2u);
  EXPECT_FALSE(report_.all_failed());
  EXPECT_EQ(report_.models[1].failed, kFrames);
  EXPECT_THAT(report_.models[1].first_failure, HasSubstr("model 'broken': output 0"));
}

TEST_F(SeveralModels, batches_change_no_result) {
  const std::string plan = "conf: 0.5\nmodel: DIR/a.onnx\ntiles: 64\noverlap: 0.5\nbatch: ";
  const auto alone = objects(plan + "1", kRedAndBlue);
  for (const char* batch : {"3", "4", "auto"}) {
    SCOPED_TRACE(batch);
    const auto found = objects(plan + batch, kRedAndBlue);
    ASSERT_EQ(found.size(), alone.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
      EXPECT_EQ(label(found[i]), label(alone[i]));
      EXPECT_EQ(found[i]["x"], alone[i]["x"]);
      EXPECT_NEAR(found[i]["detection"]["confidence"].get<float>(),
                  alone[i]["detection"]["confidence"].get<float>(), 1e-4);
    }
  }
}

TEST_F(SeveralModels, whose_settings_contradict_each_other_are_refused_by_name) {
  const std::pair<const char*, const char*> cases[] = {
      {"models: [{model: DIR/a.onnx, name: x}, {model: DIR/b.onnx, name: x}]",
       "model 'x': two models have this name"},
      {"models: [{model: DIR/a.onnx, after: z}]", "model 'a': after: there is no model 'z'"},
      {"models: [{model: DIR/a.onnx, margin: 1}]", "model 'a': margin: needs after"},
      {"models: [{model: DIR/a.onnx}, {model: DIR/b.onnx, after: a, tiles: 64}]",
       "model 'b': tiles: a model that runs on boxes has no tiles"},
      {"models: [{model: DIR/a.onnx, classes: red}, {model: DIR/b.onnx, after: a, on: blue}]",
       "model 'b': on: 'a' finds no 'blue'"},
      {"models: [{model: DIR/a.onnx, map: {rde: stop}}]", "map: the model knows no class 'rde'"},
      {"models: [{name: a}]", "models: number 1 has no `model:`"},
      {"models: [{model: DIR/a.onnx, lanes: 2}]", "lanes: is said for all models"},
      {"models: [{model: DIR/a.onnx, confi: 2}]", "unknown key 'confi'; did you mean conf?"},
      {"model: DIR/a.onnx\nafter: b", "after: is said of one model"},
      {"models: {model: DIR/a.onnx}", "models: expected a list of models"},
      {"models: []", "models: expected a list of models"},
  };
  for (const auto& [yaml, expected] : cases) EXPECT_THAT(error(yaml), HasSubstr(expected)) << yaml;
}

}  // namespace
}  // namespace osprey::engine
