// SPDX-License-Identifier: Apache-2.0
#include "tracking/tracker.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <random>
#include <set>

namespace osprey::tracking {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr double kRate = 25;

Timestamp at_frame(double frame) {
  return {Duration(std::llround(frame / kRate * 1e9))};
}

std::unique_ptr<Tracker> make(TrackerOptions options = {}) {
  options.frame_rate = kRate;
  auto tracker = Tracker::create(options);
  EXPECT_TRUE(tracker.ok()) << tracker.error().message;
  return std::move(*tracker);
}

Detection person(float x, float y, float confidence = 0.9f, std::int32_t label = 0) {
  return {{x, y, x + 40, y + 100}, confidence, label};
}

std::vector<std::int64_t> ids(Tracker& tracker, std::vector<Detection> detections, double frame) {
  tracker.update(detections, at_frame(frame));
  std::vector<std::int64_t> found;
  for (const auto& detection : detections) found.push_back(detection.track_id);
  return found;
}

TEST(Tracker, numbers_what_the_first_frame_shows_and_keeps_the_numbers) {
  const auto tracker = make();
  EXPECT_THAT(ids(*tracker, {person(100, 100), person(300, 100)}, 0), ElementsAre(1, 2));
  EXPECT_THAT(ids(*tracker, {person(303, 100), person(103, 101)}, 1), ElementsAre(2, 1));
}

TEST(Tracker, something_new_gets_its_number_with_the_second_sighting_and_numbers_have_no_gaps) {
  const auto tracker = make();
  EXPECT_THAT(ids(*tracker, {person(100, 100)}, 0), ElementsAre(1));
  EXPECT_THAT(ids(*tracker, {person(100, 100), person(500, 100)}, 1), ElementsAre(1, -1));
  EXPECT_THAT(ids(*tracker, {person(100, 100), person(700, 300)}, 2), ElementsAre(1, -1));
  EXPECT_THAT(ids(*tracker, {person(100, 100), person(702, 300)}, 3), ElementsAre(1, 2));
}

TEST(Tracker, unsure_sightings_go_on_with_a_track_and_begin_none) {
  const auto tracker = make();
  EXPECT_THAT(ids(*tracker, {person(100, 100), person(300, 100, 0.2f)}, 0), ElementsAre(1, -1));
  EXPECT_THAT(ids(*tracker, {person(101, 100, 0.15f), person(300, 100, 0.2f)}, 1),
              ElementsAre(1, -1));
  EXPECT_THAT(ids(*tracker, {person(102, 100, 0.1f)}, 2), ElementsAre(-1));
  EXPECT_THAT(ids(*tracker, {person(103, 100, 0.2f)}, 3), ElementsAre(-1))
      << "lost tracks need more";
  EXPECT_THAT(ids(*tracker, {person(104, 100, 0.5f)}, 4), ElementsAre(1));
}

TEST(Tracker, a_lost_track_is_found_again_until_the_buffer_ends) {
  TrackerOptions options;
  options.track_buffer = 10;
  for (const double gap : {11.0, 12.0}) {
    for (const bool with_empty_frames : {true, false}) {
      const auto tracker = make(options);
      ids(*tracker, {person(100, 100)}, 0);
      ids(*tracker, {person(100, 100)}, 1);
      for (double frame = 2; frame < 1 + gap && with_empty_frames; ++frame)
        ids(*tracker, {}, frame);
      ids(*tracker, {person(100, 100)}, 1 + gap);
      const bool forgotten = with_empty_frames && gap == 12;
      EXPECT_THAT(ids(*tracker, {person(100, 100)}, 2 + gap), ElementsAre(forgotten ? 2 : 1))
          << gap << (with_empty_frames ? " with frames" : " without frames, which tell nothing");
    }
  }
}

TEST(Tracker, a_track_goes_on_with_its_class_alone_unless_classes_do_not_matter) {
  for (const bool agnostic : {false, true}) {
    TrackerOptions options;
    options.class_agnostic = agnostic;
    const auto tracker = make(options);
    ids(*tracker, {person(100, 100, 0.9f, 2)}, 0);
    EXPECT_THAT(ids(*tracker, {person(101, 100, 0.9f, 7)}, 1), ElementsAre(agnostic ? 1 : -1));
  }
}

TEST(Tracker, two_that_meet_and_part_keep_their_numbers) {
  const auto tracker = make();
  for (int frame = 0; frame < 60; ++frame) {
    const auto step = static_cast<float>(4 * frame);
    // The one behind is hidden while they overlap most.
    std::vector<Detection> seen = {person(100 + step, 100)};
    if (std::abs(step - 120) > 20) seen.push_back(person(340 - step, 104));
    const auto found = ids(*tracker, seen, frame);
    EXPECT_EQ(found[0], 1) << frame;
    if (found.size() > 1) {
      EXPECT_EQ(found[1], 2) << frame;
    }
  }
}

TEST(Tracker, takes_places_of_models_own_thresholds) {
  TrackerOptions options;
  options.conf_by_model = {0.6f, 0.3f};
  const auto tracker = make(options);
  auto strict = person(100, 100, 0.5f), other = person(300, 100, 0.5f);
  other.model = 1;
  EXPECT_THAT(ids(*tracker, {strict, other}, 0), ElementsAre(-1, 1));
  strict.confidence = 0.6f;
  EXPECT_THAT(ids(*tracker, {strict, other}, 1), ElementsAre(-1, 1));
  EXPECT_THAT(ids(*tracker, {strict, other}, 2), ElementsAre(2, 1));
}

TEST(Tracker, passes_over_what_has_a_parent_or_no_area) {
  const auto tracker = make();
  auto plate = person(310, 150);
  plate.parent = 0;
  const auto nan = std::numeric_limits<float>::quiet_NaN();
  const auto infinity = std::numeric_limits<float>::infinity();
  EXPECT_THAT(ids(*tracker,
                  {person(300, 100),
                   plate,
                   {{5, 5, 5, 9}, 0.9f, 0},
                   {{nan, 0, 10, 10}, 0.9f, 0},
                   {{0, 0, infinity, 10}, 0.9f, 0},
                   {{10, 10, 5, 5}, 0.9f, 0}},
                  0),
              ElementsAre(1, -1, -1, -1, -1, -1));
}

TEST(Tracker, time_that_does_not_advance_is_one_frame) {
  const auto tracker = make();
  ids(*tracker, {person(100, 100)}, 1000);
  EXPECT_THAT(ids(*tracker, {person(104, 100)}, 1000), ElementsAre(1));
  EXPECT_THAT(ids(*tracker, {person(108, 100)}, 3), ElementsAre(1)) << "a stream that began anew";
  EXPECT_THAT(ids(*tracker, {person(112, 100)}, 4), ElementsAre(1));
}

TEST(Tracker, errors_name_the_option) {
  TrackerOptions options;
  options.match_thresh = 1.5f;
  EXPECT_THAT(Tracker::create(options).error().message, HasSubstr("match_thresh"));
  options = {};
  options.track_buffer = -1;
  EXPECT_THAT(Tracker::create(options).error().message, HasSubstr("track_buffer"));
}

/// Objects that walk through each other's ways in straight lines, seen with noise.
struct Walkers {
  struct Walker {
    double x, y, dx, dy;
  };
  std::vector<Walker> walkers;
  std::mt19937 random{7};

  Walkers() {
    for (int i = 0; i < 8; ++i) {
      const double side = i % 2 ? 1 : -1;
      walkers.push_back({side < 0 ? 30. : 1800., 60 + 120.0 * i, -side * (4 + i % 3), 0.3 * i});
    }
  }

  std::vector<Detection> seen_at(int frame) {
    std::normal_distribution<double> noise(0, 1);
    std::vector<Detection> seen;
    for (const auto& w : walkers) {
      const auto x = static_cast<float>(w.x + w.dx * frame + noise(random));
      const auto y = static_cast<float>(w.y + w.dy * frame + noise(random));
      seen.push_back(person(x, y, 0.7f + 0.2f * static_cast<float>(frame % 2)));
    }
    return seen;
  }
};

/// Numbers that the walkers had, if only every so manieth frame comes, at random.
std::size_t numbers_given(bool told_of_time) {
  Walkers walkers;
  const auto tracker = make();
  std::mt19937 random(3);
  std::set<std::int64_t> numbers;
  for (int frame = 0; frame < 250; ++frame) {
    auto seen = walkers.seen_at(frame);
    if (frame > 5 && random() % 6 > 0) continue;
    for (const auto id : ids(*tracker, seen, told_of_time ? frame : 0)) {
      if (id > 0) numbers.insert(id);
    }
  }
  return numbers.size();
}

TEST(Tracker, dropped_frames_do_not_change_numbers_because_time_counts) {
  EXPECT_EQ(numbers_given(true), 8u);
  EXPECT_GT(numbers_given(false), 8u) << "without time this would be no test";
}

}  // namespace
}  // namespace osprey::tracking
