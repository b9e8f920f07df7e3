// SPDX-License-Identifier: Apache-2.0
// Counts, confusion, curves, kinds of errors and comparisons, on sets small enough to do by hand.
#include <gmock/gmock.h>

#include <random>

#include "evaluate/bootstrap.hpp"
#include "evaluate/coco_metrics.hpp"
#include "evaluate/counts.hpp"
#include "evaluate/curves.hpp"
#include "evaluate/error_kinds.hpp"
#include "evaluate/test_sets.hpp"

namespace osprey::evaluation {
namespace {

/// A box moved to the right, so that its IoU with the one at 0 is known: (w - d) / (w + d).
Box moved(double by, double width = 100) {
  return {by, 0, width, width};
}

TEST(Counts, each_label_is_found_once_by_the_best_that_is_left) {
  auto truth = empty_set(2, 2);
  add_label(truth, 0, 0, moved(0));
  add_label(truth, 0, 0, moved(200));
  add_label(truth, 1, 1, moved(0));
  const Detections found = {
      {0, 0, moved(0), 0.9},    // right
      {0, 0, moved(1), 0.8},    // the same label again: wrong
      {0, 1, moved(200), 0.7},  // another class: wrong
      {1, 1, moved(0), 0.2},    // below the score
  };
  const auto counts = count(truth, found, 0.5, {});
  EXPECT_EQ(counts.all.labels, 3);
  EXPECT_EQ(counts.all.correct, 1);
  EXPECT_EQ(counts.all.wrong, 2);
  EXPECT_EQ(counts.all.missed(), 2);
  EXPECT_EQ(counts.pictures[1].missed(), 1);
  EXPECT_EQ(counts.detections[0], Outcome::kCorrect);
  EXPECT_EQ(counts.detections[1], Outcome::kWrong);
  EXPECT_EQ(counts.detections[3], Outcome::kNone);
  EXPECT_EQ(count(truth, found, 0.2, {}).all.correct, 2);
}

TEST(Counts, by_l2_all_four_sides_must_be_near) {
  auto truth = empty_set(1, 1);
  add_label(truth, 0, 0, {100, 100, 50, 50});
  const auto correct = [&](Box box, double limit = 10) {
    return count(truth, {{0, 0, box, 0.9}}, 0.5, {Rule::Kind::kL2, limit}).all.correct;
  };
  // Moved by 4.9: four sides are off by it, sqrt(2) * 4.9 a corner; right and left, not top.
  EXPECT_EQ(correct({107, 100, 50, 50}), 1);    // sqrt(2) * 7 = 9.9
  EXPECT_EQ(correct({107.1, 100, 50, 50}), 0);  // 10.04
  EXPECT_EQ(correct({100, 100, 59.9, 50}), 1);  // one side only
  EXPECT_EQ(correct({100, 100, 60, 50}), 0);    // not below 10
  EXPECT_EQ(correct({100, 100, 60, 50}, 10.1), 1);
}

TEST(Counts, what_lies_on_a_crowd_is_neither) {
  auto truth = empty_set(1, 1);
  add_label(truth, 0, 0, {0, 0, 400, 400}, true);
  const auto counts = count(truth, {{0, 0, {10, 10, 20, 20}, 0.9}}, 0.5, {});
  EXPECT_EQ(counts.all.labels, 0);
  EXPECT_EQ(counts.all.wrong, 0);
}

TEST(Confusion, pairs_boxes_of_any_class_the_nearest_first) {
  auto truth = empty_set(1, 2);
  add_label(truth, 0, 0, moved(0));
  add_label(truth, 0, 1, moved(300));
  const Detections found = {
      {0, 1, moved(5), 0.9},    // on the first label, of the other class
      {0, 0, moved(20), 0.99},  // farther from it: nothing is left for it
      {0, 1, moved(900), 0.6},
      {0, 1, moved(300), 0.1},  // below the score
  };
  const auto made = confusion(truth, found, 0.5, 0.5);
  EXPECT_EQ(made.numbers, (std::vector<std::int64_t>{0, 0, 1,  // found as 0: background
                                                     1, 0, 1,  // found as 1: is 0; background
                                                     0, 1, 0}));
}

TEST(Curves, tell_precision_recall_and_f1_at_each_score) {
  auto truth = empty_set(1, 1);
  add_label(truth, 0, 0, moved(0));
  add_label(truth, 0, 0, moved(200));
  const Detections found = {{0, 0, moved(0), 0.9},
                            {0, 0, moved(500), 0.8},
                            {0, 0, moved(200), 0.7},
                            {0, 0, moved(700), 0.7}};
  const auto matches = match(truth, found, 1);
  const auto curve = score_curve(matches, found);
  ASSERT_EQ(curve.size(), 3u);  // two of them at 0.7
  EXPECT_EQ(curve[2].precision(), 0.5);
  EXPECT_EQ(curve[2].recall(), 1);
  EXPECT_EQ(best_f1(curve).score, 0.9);  // 2/3, as at 0.7, but higher
  EXPECT_EQ(at_score(curve, 0.85, 2).wrong, 0);
  EXPECT_EQ(at_score(curve, 0.8, 2).wrong, 1);
  EXPECT_EQ(at_score(curve, 0.95, 2).right, 0);
  EXPECT_EQ(at_score(curve, 0.95, 2).recall(), 0);
}

class Errors : public testing::Test {
 protected:
  Errors() : truth_(empty_set(2, 2)) {
    add_label(truth_, 0, 0, moved(0));
    add_label(truth_, 0, 1, moved(300));
  }
  ErrorKinds judge(const Detections& found) const {
    return error_kinds(truth_, found, match(truth_, found, 1), 2);
  }
  static std::vector<std::int64_t> counts(const ErrorKinds& errors) {
    std::vector<std::int64_t> counts;
    for (const auto& kind : errors.kinds) counts.push_back(kind.count);
    return counts;
  }
  GroundTruth truth_;
};

using testing::ElementsAre;

TEST_F(Errors, each_kind_is_known_by_what_it_nearly_finds) {
  // classification, localisation, both, duplicate, background, missed
  EXPECT_THAT(counts(judge({})), ElementsAre(0, 0, 0, 0, 0, 2));
  EXPECT_THAT(counts(judge({{0, 1, moved(0), 0.9}})), ElementsAre(1, 0, 0, 0, 0, 1));
  EXPECT_THAT(counts(judge({{0, 0, moved(50), 0.9}})), ElementsAre(0, 1, 0, 0, 0, 1));
  EXPECT_THAT(counts(judge({{0, 1, moved(50), 0.9}})), ElementsAre(0, 0, 1, 0, 0, 2));
  EXPECT_THAT(counts(judge({{0, 0, moved(0), 0.9}, {0, 0, moved(5), 0.8}})),
              ElementsAre(0, 0, 0, 1, 0, 1));
  EXPECT_THAT(counts(judge({{0, 0, moved(95), 0.9}})), ElementsAre(0, 0, 0, 0, 1, 2));
  EXPECT_THAT(counts(judge({{1, 0, moved(0), 0.9}})), ElementsAre(0, 0, 0, 0, 1, 2));
}

TEST_F(Errors, cost_what_average_precision_would_gain) {
  // Class 0: a wrong class takes its label; class 1: right, but behind something on nothing.
  const auto errors =
      judge({{0, 1, moved(0), 0.9}, {0, 1, moved(800), 0.8}, {0, 1, moved(300), 0.7}});
  EXPECT_NEAR(errors.average_precision, (0 + 1. / 3) / 2, 1e-9);
  // Mended, it is right for class 0, and no longer in front in class 1.
  EXPECT_NEAR(errors.kinds[0].cost, (1 + 1. / 2) / 2 - 1. / 6, 1e-9);
  EXPECT_NEAR(errors.kinds[4].cost, (0 + 1. / 2) / 2 - 1. / 6, 1e-9);
  EXPECT_NEAR(errors.wrong_cost, 0.5 - 1. / 6, 1e-9);
  // Without the label that is missed, class 0 has none, and does not count.
  EXPECT_NEAR(errors.missed_cost, 1. / 3 - 1. / 6, 1e-9);
  EXPECT_EQ(errors.kinds[5].cost, 0);  // the wrong class nearly found it
}

TEST_F(Errors, of_several_that_would_find_a_label_one_does) {
  const auto errors = judge({{0, 0, moved(50), 0.9}, {0, 0, moved(55), 0.8}});
  EXPECT_EQ(errors.kinds[1].count, 2);
  EXPECT_NEAR(errors.kinds[1].cost, 0.5, 1e-9);  // one right and none wrong, of class 0
}

/// Detections of every label, some of them off by so much that half of the thresholds fail.
Detections found_with(const GroundTruth& truth, double off_share, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<> share(0, 1);
  Detections found;
  for (const auto& label : truth.labels) {
    auto box = label.box;
    if (share(random) < off_share) box.x += 0.15 * box.width;
    found.push_back({label.picture, label.category, box, share(random)});
  }
  return found;
}

class Bootstrap : public testing::Test {
 protected:
  Bootstrap() : truth_(empty_set(60, 3)) {
    for (int i = 0; i < 300; ++i) add_label(truth_, i % 60, i % 3, moved(200. * (i / 60)));
  }
  Difference difference(const Detections& a, const Detections& b, int threads = 2) const {
    const auto of_a = match(truth_, a, 1), of_b = match(truth_, b, 1);
    BootstrapOptions options;
    options.samples = 300;
    options.threads = threads;
    return compare(truth_, {&a, &b}, {&of_a, &of_b}, options).at(1);
  }
  GroundTruth truth_;
};

TEST_F(Bootstrap, tells_a_clear_difference_from_none) {
  const auto good = found_with(truth_, 0.1, 1), bad = found_with(truth_, 0.6, 2);
  const auto clear = difference(bad, good);
  EXPECT_TRUE(clear.shown());
  EXPECT_GT(clear.lowest, 0);
  EXPECT_LT(clear.lowest, clear.value);
  EXPECT_LT(clear.value, clear.highest);
  EXPECT_LT(difference(good, bad).highest, 0);
  const auto none = difference(found_with(truth_, 0.3, 3), found_with(truth_, 0.3, 4));
  EXPECT_FALSE(none.shown());
  const auto same = difference(good, good);
  EXPECT_EQ(same.lowest, 0);
  EXPECT_EQ(same.highest, 0);
}

TEST_F(Bootstrap, gives_the_same_on_any_number_of_threads) {
  const auto a = found_with(truth_, 0.3, 5), b = found_with(truth_, 0.4, 6);
  const auto one = difference(a, b, 1), three = difference(a, b, 3);
  EXPECT_EQ(one.lowest, three.lowest);
  EXPECT_EQ(one.highest, three.highest);
}

TEST_F(Bootstrap, its_value_is_the_difference_of_coco_s_numbers) {
  const auto a = found_with(truth_, 0.3, 7), b = found_with(truth_, 0.5, 8);
  const auto ap = [&](const Detections& found) {
    return summary(accumulate(match(truth_, found, 1), 1))[0];
  };
  EXPECT_NEAR(difference(a, b).value, ap(b) - ap(a), 1e-12);
}

TEST(Verdict, says_which_is_better_or_that_none_is) {
  EXPECT_EQ(verdict({0.012, 0.004, 0.021}, "a", "b"), "b better by 0.012 [0.004, 0.021]");
  EXPECT_EQ(verdict({-0.012, -0.021, -0.004}, "a", "b"), "a better by 0.012 [0.004, 0.021]");
  EXPECT_EQ(verdict({-0.001, -0.004, 0.006}, "a", "b"),
            "no difference shown: -0.001 [-0.004, 0.006]");
}

}  // namespace
}  // namespace osprey::evaluation
