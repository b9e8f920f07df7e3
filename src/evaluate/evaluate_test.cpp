// SPDX-License-Identifier: Apache-2.0
// What programs that use the library see.
#include <osprey/evaluate.hpp>

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "base/file_testing.hpp"

namespace osprey {
namespace {

using testing::HasSubstr;
using testing::Not;

class Evaluate : public testing::Test {
 protected:
  Evaluate() {
    base::write_text(folder_ / "labels.json", R"({
      "images": [{"id": 1, "file_name": "</script>1.jpg", "width": 640, "height": 480}],
      "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
      "annotations": [
        {"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 50, 50], "area": 2500, "iscrowd": 0},
        {"id": 2, "image_id": 1, "category_id": 2, "bbox": [100, 0, 50, 50], "area": 2500, "iscrowd": 0}]})");
    base::write_text(folder_ / "a.json", R"([
      {"image_id": 1, "category_id": 1, "bbox": [0, 0, 50, 50], "score": 0.9},
      {"image_id": 1, "category_id": 1, "bbox": [300, 0, 50, 50], "score": 0.4}])");
    base::write_text(folder_ / "b.json", R"([
      {"image_id": 1, "category_id": 1, "bbox": [0, 0, 50, 50], "score": 0.9},
      {"image_id": 1, "category_id": 2, "bbox": [100, 0, 50, 50], "score": 0.8},
      {"image_id": 1, "category_id": 7, "bbox": [100, 0, 50, 50], "score": 0.8}])");
    options_.data = folder_ / "labels.json";
    options_.detections = folder_ / "a.json";
  }
  std::string error() const {
    const auto result = evaluate(options_);
    return result ? std::string("none") : result.error().message;
  }

  base::TemporaryFolder folder_;
  EvaluationOptions options_;
};

TEST_F(Evaluate, tells_numbers_counts_and_classes) {
  const auto result = evaluate(options_);
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_NEAR(result->coco.ap, 0.5, 1e-12);
  EXPECT_NEAR(result->ap_at_iou[9], 0.5, 1e-12);
  EXPECT_EQ(result->best.score, 0.9);
  EXPECT_EQ(result->counts.total, 2);
  EXPECT_EQ(result->counts.correct, 1);
  EXPECT_EQ(result->counts.wrong, 0);
  EXPECT_EQ(result->counts.missed, 1);
  ASSERT_EQ(result->classes.size(), 2u);
  EXPECT_EQ(result->classes[1].ap, 0);
  EXPECT_NEAR(result->classes[0].precision[100], 1, 1e-12);
  EXPECT_EQ(result->curve.size(), 101u);
  EXPECT_EQ(result->confusion.size(), 9u);
  ASSERT_EQ(result->worst.size(), 1u);
  EXPECT_EQ(result->worst[0].marks.size(), 2u);
  options_.conf = 0.3;
  EXPECT_EQ(evaluate(options_)->counts.wrong, 1);
}

TEST_F(Evaluate, tells_what_was_odd) {
  options_.detections = folder_ / "b.json";
  const auto result = evaluate(options_);
  ASSERT_TRUE(result.ok());
  ASSERT_EQ(result->warnings.size(), 1u);
  EXPECT_THAT(result->warnings[0], HasSubstr("1 detections of a category that is not listed"));
  EXPECT_THAT(to_text(*result), HasSubstr("b.json: detection 2"));
}

TEST_F(Evaluate, wrong_options_are_named) {
  options_.limit = 2;
  EXPECT_THAT(error(), HasSubstr("limit"));
  options_.limit = 0.5;
  options_.conf = 1.5;
  EXPECT_THAT(error(), HasSubstr("conf"));
  options_.conf = -1;
  options_.detections = folder_ / "none.json";
  EXPECT_THAT(error(), HasSubstr("none.json: no such file"));
  options_.data = "";
  EXPECT_THAT(error(), HasSubstr("data"));
}

TEST_F(Evaluate, compares_side_by_side) {
  const auto result = compare(options_, {folder_ / "a.json", folder_ / "b.json"}, {.samples = 20});
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_NEAR(result->differences[1].ap, 0.5, 1e-12);
  EXPECT_EQ(result->differences[1].verdict, "b.json better by 0.500 [0.500, 0.500]");
  EXPECT_THAT(to_text(*result), HasSubstr("a.json and b.json: b.json better by"));
  const auto json = nlohmann::json::parse(to_json(*result));
  EXPECT_EQ(json["evaluations"].size(), 2u);
  EXPECT_EQ(json["evaluations"][0]["ap_at_iou"].size(), 10u);
  EXPECT_EQ(compare(options_, {folder_ / "a.json", folder_ / "b.json"},
                    {.progress = [](double) { return false; }})
                .error()
                .code,
            ErrorCode::kCancelled);
}

TEST_F(Evaluate, its_page_needs_nothing_else_and_cannot_be_broken_out_of) {
  const auto result = compare(options_, {folder_ / "a.json"});
  ASSERT_TRUE(result.ok());
  const auto page = to_html(*result, [](const std::string& name) { return "data:" + name; });
  EXPECT_THAT(page, HasSubstr("<!doctype html>"));
  EXPECT_THAT(page, HasSubstr("data:\\u003c/script>1.jpg"));
  EXPECT_THAT(page, Not(HasSubstr("https://")));
  EXPECT_THAT(page, Not(HasSubstr("/*RESULTS*/")));
  EXPECT_EQ(page.find("</script>"), page.rfind("</script>"));
}

}  // namespace
}  // namespace osprey
