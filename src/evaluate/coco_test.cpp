// SPDX-License-Identifier: Apache-2.0
// COCO's numbers against pycocotools', which bench/evaluate/exact.py wrote down.
#include <gmock/gmock.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "evaluate/coco_match.hpp"
#include "evaluate/coco_metrics.hpp"
#include "evaluate/read_coco.hpp"
#include "evaluate/test_sets.hpp"

namespace osprey::evaluation {
namespace {

constexpr double kClose = 1e-12;

TEST(Coco, numbers_are_those_of_pycocotools) {
  std::ifstream file(EVALUATE_TESTDATA "/pycocotools_cases.json");
  const auto cases = nlohmann::json::parse(file);
  ASSERT_GE(cases.size(), 20u);
  const base::TemporaryFolder folder;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const auto labels = folder / "labels.json", detections = folder / "detections.json";
    base::write_text(labels, cases[i]["labels"].dump());
    base::write_text(detections, cases[i]["detections"].dump());
    Warnings warnings;
    const auto truth = must(read_coco_labels(labels, warnings));
    for (const int threads : {1, 3}) {
      const auto found = must(read_coco_detections(detections, truth, threads, warnings));
      const auto arrays = accumulate(match(truth, found, threads), threads);
      const auto numbers = summary(arrays);
      for (std::size_t n = 0; n < numbers.size(); ++n) {
        EXPECT_NEAR(numbers[n], cases[i]["stats"][n].get<double>(), kClose) << i << ": " << n;
      }
      for (std::size_t t = 0; t < kThresholds; ++t) {
        EXPECT_NEAR(average_precision(arrays, static_cast<int>(t), 0),
                    cases[i]["at_iou"][t].get<double>(), kClose)
            << i << ": IoU " << iou_threshold(t);
      }
    }
  }
}

TEST(Coco, thresholds_are_those_that_numpy_makes) {
  EXPECT_EQ(iou_threshold(0), 0.5);
  EXPECT_EQ(iou_threshold(3), 0.65);
  EXPECT_EQ(iou_threshold(5), 0.75);
  EXPECT_EQ(iou_threshold(9), 0.95);
}

TEST(Coco, iou_of_a_crowd_is_over_the_detection_alone) {
  EXPECT_EQ(iou({0, 0, 10, 10}, {0, 0, 10, 10}, false), 1);
  EXPECT_EQ(iou({0, 0, 10, 10}, {5, 0, 10, 10}, false), 50. / 150);
  EXPECT_EQ(iou({0, 0, 10, 10}, {5, 0, 100, 10}, true), 0.5);
  EXPECT_EQ(iou({0, 0, 10, 10}, {10, 0, 10, 10}, false), 0);  // edges touch
}

TEST(Coco, nothing_that_counts_is_minus_one_and_nothing_found_is_zero) {
  auto truth = empty_set(1, 2);
  EXPECT_EQ(summary(accumulate(match(truth, {}, 1), 1))[0], -1);
  add_label(truth, 0, 1, {10, 10, 50, 50});
  const auto numbers = summary(accumulate(match(truth, {}, 1), 1));
  EXPECT_EQ(numbers[0], 0);
  EXPECT_EQ(numbers[3], -1);  // no small one
  EXPECT_EQ(numbers[4], 0);
  EXPECT_EQ(numbers[8], 0);
}

TEST(Coco, what_is_ignored_is_neither_found_nor_missed) {
  auto truth = empty_set(1, 1);
  add_label(truth, 0, 0, {0, 0, 40, 40});
  add_label(truth, 0, 0, {100, 0, 40, 40});
  truth.labels[1].ignored = true;
  const Detections found = {{0, 0, {100, 0, 40, 40}, 0.9}, {0, 0, {0, 0, 40, 40}, 0.8}};
  const auto numbers = summary(accumulate(match(truth, found, 1), 1));
  EXPECT_NEAR(numbers[0], 1, kClose);
}

}  // namespace
}  // namespace osprey::evaluation
