// SPDX-License-Identifier: Apache-2.0
#include "tracking/object_events.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <thread>

#include "tracking/object_id.hpp"

namespace osprey::tracking {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::MatchesRegex;
using testing::Pair;
using namespace std::chrono_literals;
using enum Event::Type;

constexpr int kWidth = 1000, kHeight = 500;
const WallTime kStart{1764150000123456789ns};

Zone left_half(std::vector<std::string> labels = {}) {
  return {"left", {{0, 0}, {0.5, 0}, {0.5, 1}, {0, 1}}, std::move(labels)};
}

/// From the bottom to the top in the middle: left of it is left in the picture.
Line middle_line(std::vector<std::string> labels = {}) {
  return {"middle", {0.5, 1}, {0.5, 0}, std::move(labels)};
}

/// A box of 40 x 100 pixels that stands at x, y.
Detection standing_at(float x, float y, std::int64_t track = 1, std::int32_t label = 0,
                      float confidence = 0.5f) {
  return {{x - 20, y - 100, x + 20, y}, confidence, label, 0, -1, track};
}

/// Frames, ten a second.
class Stream {
 public:
  explicit Stream(ObjectEventsOptions options) {
    options.camera = "yard";
    options.names = {"person", "car"};
    auto made = ObjectEvents::create(options);
    EXPECT_TRUE(made.ok()) << made.error().message;
    objects = std::move(*made);
  }

  std::vector<Event> frame(const std::vector<Detection>& detections) {
    const auto time = 100ms * frames_++;
    return objects->update(detections, kWidth, kHeight, {time}, kStart + time);
  }

  std::vector<Event> frames(int count, const std::vector<Detection>& detections) {
    std::vector<Event> events;
    for (int i = 0; i < count; ++i) {
      for (auto& event : frame(detections)) events.push_back(std::move(event));
    }
    return events;
  }

  /// Standing at each of `xs` for a frame.
  std::vector<Event> path(const std::vector<float>& xs, float y = 300, std::int32_t label = 0) {
    std::vector<Event> events;
    for (const float x : xs) {
      for (auto& event : frame({standing_at(x, y, 1, label)})) events.push_back(std::move(event));
    }
    return events;
  }

  std::unique_ptr<ObjectEvents> objects;

 private:
  int frames_ = 0;
};

std::vector<Event::Type> types(const std::vector<Event>& events) {
  std::vector<Event::Type> found;
  for (const auto& event : events) found.push_back(event.type);
  return found;
}

TEST(ObjectEvents, an_object_is_new_once_confirmed_and_ends_when_it_was_last_seen) {
  Stream stream({});
  EXPECT_THAT(stream.frames(2, {standing_at(100, 300)}), IsEmpty());
  const auto made = stream.frame({standing_at(100, 300)});
  ASSERT_THAT(types(made), ElementsAre(kNew));
  const auto& state = made[0].after;
  EXPECT_THAT(state.id, MatchesRegex("1764150000\\.123456-[a-z0-9]{6}"));
  EXPECT_EQ(state.camera, "yard");
  EXPECT_EQ(state.track_id, 1);
  EXPECT_EQ(state.label, "person");
  EXPECT_EQ(state.start_time, kStart);
  EXPECT_EQ(state.frame_time, kStart + 200ms);
  EXPECT_EQ(state.frame_width, kWidth);
  EXPECT_EQ(made[0].before.id, state.id);

  EXPECT_THAT(stream.frames(30, {}), IsEmpty());
  const auto ended = stream.frame({});
  ASSERT_THAT(types(ended), ElementsAre(kEnd));
  EXPECT_EQ(ended[0].after.id, state.id);
  EXPECT_EQ(ended[0].after.end_time, kStart + 200ms);
  EXPECT_THAT(stream.frames(50, {}), IsEmpty());
}

TEST(ObjectEvents, what_is_never_confirmed_makes_no_event_and_counts_nowhere) {
  Stream stream({.zones = {left_half()}, .lines = {middle_line()}});
  stream.path({400, 600});
  EXPECT_THAT(stream.frames(60, {}), IsEmpty());
  EXPECT_THAT(stream.objects->end_all(), IsEmpty());
  const auto counts = stream.objects->counts();
  EXPECT_THAT(counts.zones[0].entered, IsEmpty());
  EXPECT_THAT(counts.lines[0].out, IsEmpty());
}

TEST(ObjectEvents, detections_without_a_track_with_a_parent_or_of_other_labels_are_no_objects) {
  Stream stream({.labels = {"person"}});
  auto untracked = standing_at(100, 300), part = standing_at(200, 300, 2);
  untracked.track_id = -1;
  part.parent = 0;
  EXPECT_THAT(stream.frames(9, {untracked, part, standing_at(300, 300, 3, 1)}), IsEmpty());
}

TEST(ObjectEvents, tells_of_zones_in_order_and_counts_each_object_once) {
  Stream stream({.zones = {left_half(), {"right", {{0.5, 0}, {1, 0}, {1, 1}, {0.5, 1}}, {"car"}}}});
  const auto made = stream.path({600, 600, 600});
  ASSERT_THAT(types(made), ElementsAre(kNew));
  EXPECT_THAT(made[0].after.current_zones, IsEmpty()) << "no car";
  stream.path(std::vector<float>(12, 600));
  const auto entered = stream.path({400});
  ASSERT_THAT(types(entered), ElementsAre(kUpdate));
  EXPECT_THAT(entered[0].before.current_zones, IsEmpty());
  EXPECT_THAT(entered[0].after.current_zones, ElementsAre("left"));
  EXPECT_THAT(entered[0].after.entered_zones, ElementsAre("left"));
  stream.path(std::vector<float>(20, 400));
  EXPECT_THAT(stream.objects->counts().zones[0].inside, ElementsAre(Pair("person", 1)));
  EXPECT_NEAR(stream.objects->counts().zones[0].longest_dwell, 2, 1e-9);
  const auto left = stream.path({600});
  ASSERT_THAT(types(left), ElementsAre(kUpdate));
  EXPECT_THAT(left[0].after.current_zones, IsEmpty());
  EXPECT_THAT(left[0].after.entered_zones, ElementsAre("left"));
  stream.path({400, 400});
  const auto counts = stream.objects->counts();
  EXPECT_THAT(counts.zones[0].entered, ElementsAre(Pair("person", 1)));
  EXPECT_EQ(counts.zones[0].left, 1u);
  EXPECT_NEAR(counts.zones[0].left_dwell, 2.1, 1e-9);
  EXPECT_THAT(counts.zones[1].entered, IsEmpty());
}

TEST(ObjectEvents, an_object_that_ends_in_a_zone_leaves_it_when_it_was_last_seen) {
  Stream stream({.zones = {left_half()}});
  stream.path({400, 400, 400, 400});
  stream.frames(60, {});
  const auto counts = stream.objects->counts();
  EXPECT_THAT(counts.zones[0].inside, IsEmpty());
  EXPECT_EQ(counts.zones[0].left, 1u);
  EXPECT_NEAR(counts.zones[0].left_dwell, 0.3, 1e-9);
}

TEST(ObjectEvents, a_box_that_trembles_on_an_outline_enters_once) {
  Stream stream({.zones = {left_half()}});
  stream.path({600, 600, 600});
  for (int i = 0; i < 50; ++i) stream.path({498, 502});
  EXPECT_THAT(stream.objects->counts().zones[0].inside, IsEmpty());
  stream.path({498, 498, 498});
  for (int i = 0; i < 50; ++i) stream.path({498, 502});
  const auto counts = stream.objects->counts();
  EXPECT_THAT(counts.zones[0].inside, ElementsAre(Pair("person", 1)));
  EXPECT_EQ(counts.zones[0].left, 0u);
}

TEST(ObjectEvents, who_stands_at_the_pictures_edge_is_in_a_zone_that_ends_there) {
  Stream stream({.zones = {left_half()}});
  stream.path({300, 300, 300}, kHeight);
  EXPECT_THAT(stream.objects->counts().zones[0].inside, ElementsAre(Pair("person", 1)));
}

struct Walk {
  const char* what;
  std::vector<float> xs;
  std::uint64_t in, out;
};

TEST(ObjectEvents, counts_crossings_by_direction_and_not_what_trembles) {
  const Walk walks[] = {
      {"right to left", {600, 550, 450, 400}, 1, 0},
      {"left to right", {400, 450, 550, 600}, 0, 1},
      {"there and back", {600, 400, 600}, 1, 1},
      {"one long step", {900, 900, 100}, 1, 0},
      {"trembling on the line, then over", {600, 503, 498, 502, 497, 503, 499, 400}, 1, 0},
      {"trembling on the line, then back", {600, 503, 498, 502, 497, 503, 499, 600}, 0, 0},
      {"appearing on it", {501, 499, 501, 499, 400}, 1, 0},
      {"never there", {900, 800, 700, 600}, 0, 0},
  };
  for (const auto& walk : walks) {
    Stream stream({.lines = {middle_line()}});
    stream.path(walk.xs);
    stream.path({walk.xs.back(), walk.xs.back()});
    const auto lines = stream.objects->counts().lines;
    const auto number = [](const LabelCounts& counts) {
      return counts.empty() ? 0 : counts[0].second;
    };
    EXPECT_EQ(number(lines[0].in), walk.in) << walk.what;
    EXPECT_EQ(number(lines[0].out), walk.out) << walk.what;
  }
}

TEST(ObjectEvents, who_walks_around_a_lines_end_does_not_cross_it) {
  Stream stream({.lines = {{"gate", {0.5, 1}, {0.5, 0.5}, {}}}});
  stream.path({600, 550, 450, 400}, 200);
  EXPECT_THAT(stream.objects->counts().lines[0].in, IsEmpty());
  stream.path({400, 450, 550, 600}, 300);
  EXPECT_THAT(stream.objects->counts().lines[0].out, ElementsAre(Pair("person", 1)));
}

TEST(ObjectEvents, crossings_are_told_with_the_next_event_and_count_for_their_labels) {
  Stream stream({.lines = {middle_line({"car"}), {"other", {0, 0.7}, {1, 0.7}, {}}}});
  auto made = stream.path({600, 600, 400}, 300, 1);
  ASSERT_THAT(types(made), ElementsAre(kNew));
  ASSERT_EQ(made[0].crossings.size(), 1u);
  EXPECT_EQ(made[0].crossings[0].line, "middle");
  EXPECT_TRUE(made[0].crossings[0].in);
  // Two within the interval come together, then none.
  EXPECT_THAT(stream.path({600, 400}, 300, 1), IsEmpty());
  const auto later = stream.path(std::vector<float>(30, 400), 300, 1);
  ASSERT_THAT(types(later), ElementsAre(kUpdate));
  ASSERT_EQ(later[0].crossings.size(), 2u);
  EXPECT_FALSE(later[0].crossings[0].in);
  EXPECT_THAT(stream.objects->counts().lines[0].in, ElementsAre(Pair("car", 2)));

  Stream people({.lines = {middle_line({"car"})}});
  people.path({600, 600, 600, 400});
  EXPECT_THAT(people.objects->counts().lines[0].in, IsEmpty());
}

TEST(ObjectEvents, rest_and_motion_are_told_and_one_odd_box_is_no_motion) {
  Stream stream({});
  const auto still = stream.frames(120, {standing_at(100, 300)});
  ASSERT_THAT(types(still), ElementsAre(kNew, kUpdate));
  EXPECT_TRUE(still[1].after.stationary);
  EXPECT_EQ(still[1].after.frame_time, kStart + 10s);
  EXPECT_THAT(stream.path({160, 100, 100}), IsEmpty());
  const auto moved = stream.path({160, 165});
  ASSERT_THAT(types(moved), ElementsAre(kUpdate));
  EXPECT_FALSE(moved[0].after.stationary);
}

TEST(ObjectEvents, a_clearly_better_score_is_a_change_and_updates_are_no_more_than_one_a_second) {
  Stream stream({});
  stream.frames(3, {standing_at(100, 300)});
  std::vector<Event> events;
  for (int i = 0; i < 40; ++i) {
    const float score = 0.5f + 0.0101f * static_cast<float>(i);
    for (auto& event : stream.frame({standing_at(100, 300, 1, 0, score)})) events.push_back(event);
  }
  EXPECT_EQ(events.size(), 4u);
  for (const auto& event : events) {
    EXPECT_GE(event.after.top_score, event.before.top_score + 0.05f);
    EXPECT_GE(event.after.frame_time - event.before.frame_time, 1s);
  }
}

TEST(ObjectEvents, a_stream_that_begins_anew_keeps_its_objects_and_end_all_ends_them) {
  Stream stream({});
  stream.frames(30, {standing_at(100, 300)});
  const auto& objects = stream.objects;
  EXPECT_THAT(objects->update({standing_at(100, 300)}, kWidth, kHeight, {0ns}, kStart + 4s),
              IsEmpty());
  const auto ended = objects->end_all();
  ASSERT_THAT(types(ended), ElementsAre(kEnd));
  EXPECT_EQ(ended[0].after.end_time, kStart + 4s);
  EXPECT_THAT(objects->end_all(), IsEmpty());
}

TEST(ObjectEvents, other_shapes_keep_the_counts_of_those_that_stay) {
  Stream stream({.zones = {left_half()}, .lines = {middle_line()}});
  stream.path({600, 600, 600, 400, 400});
  ASSERT_TRUE(stream.objects
                  ->set_shapes({{"all", {{0, 0}, {1, 0}, {1, 1}, {0, 1}}, {}}, left_half()},
                               {middle_line({"person"})})
                  .ok());
  stream.path({400});
  auto counts = stream.objects->counts();
  ASSERT_EQ(counts.zones.size(), 2u);
  EXPECT_THAT(counts.zones[0].entered, ElementsAre(Pair("person", 1)));
  EXPECT_THAT(counts.zones[1].entered, ElementsAre(Pair("person", 1)));
  EXPECT_THAT(counts.lines[0].in, IsEmpty()) << "another line now";

  const auto refused = stream.objects->set_shapes({{"bad", {{0, 0}, {1, 1}}, {}}}, {});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(stream.objects->counts().zones.size(), 2u);
  ASSERT_TRUE(stream.objects->set_shapes({}, {}).ok());
  const auto told = stream.frames(12, {standing_at(400, 300)});
  ASSERT_THAT(types(told), ElementsAre(kUpdate));
  EXPECT_THAT(told[0].after.current_zones, IsEmpty());
  EXPECT_THAT(told[0].after.entered_zones, IsEmpty());
}

TEST(ObjectEvents, errors_name_the_zone_or_line) {
  const auto error = [](std::vector<Zone> zones, std::vector<Line> lines) {
    ObjectEventsOptions options;
    options.names = {"person"};
    options.zones = std::move(zones);
    options.lines = std::move(lines);
    const auto made = ObjectEvents::create(options);
    return made.ok() ? std::string("none") : made.error().message;
  };
  EXPECT_EQ(error({left_half()}, {middle_line()}), "none");
  EXPECT_THAT(error({left_half({"persn"})}, {}), HasSubstr("zone 'left': no model finds 'persn'"));
  EXPECT_THAT(error({left_half(), left_half()}, {}),
              HasSubstr("another zone or line has this name"));
  EXPECT_THAT(error({{"z", {{0, 0}, {1.2, 0}, {1, 1}}, {}}}, {}), HasSubstr("zone 'z': a point"));
  EXPECT_THAT(error({{"z", {{0, 0}, {1, 0}}, {}}}, {}), HasSubstr("three corners"));
  EXPECT_THAT(error({{"", {{0, 0}, {1, 0}, {1, 1}}, {}}}, {}), HasSubstr("no name"));
  EXPECT_THAT(error({}, {{"l", {0.5, 0.5}, {0.5, 0.5}, {}}}), HasSubstr("line 'l': begins where"));
  ObjectEventsOptions options;
  options.confirm_frames = 0;
  EXPECT_THAT(ObjectEvents::create(options).error().message, HasSubstr("confirm_frames"));
}

TEST(ObjectEvents, ids_differ_also_within_a_moment) {
  std::set<std::string> ids;
  for (int i = 0; i < 2000; ++i) ids.insert(make_object_id(kStart));
  EXPECT_EQ(ids.size(), 2000u);
}

TEST(ObjectEvents, counts_may_be_asked_for_by_another_thread) {
  Stream stream({.zones = {left_half()}});
  std::uint64_t most = 0;
  std::thread reader([&] {
    while (most < 1) {
      const auto counts = stream.objects->counts();
      for (const auto& [label, count] : counts.zones[0].entered) most = count;
    }
  });
  stream.frames(500, {standing_at(100, 300)});
  reader.join();
  EXPECT_EQ(most, 1u);
}

}  // namespace
}  // namespace osprey::tracking
