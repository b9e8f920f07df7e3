// SPDX-License-Identifier: Apache-2.0
#include "sinks/event_json.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>

namespace osprey::sinks {
namespace {

using Json = nlohmann::json;
using std::chrono::microseconds;

Event usual() {
  Event event;
  event.type = Event::Type::kUpdate;
  ObjectState& state = event.after;
  state.id = "1764150000.123456-k3x9qd";
  state.camera = "the \"door\"";
  state.track_id = 12;
  state.label = "person";
  state.score = 0.875F;
  state.top_score = 0.9375F;
  state.box = {9.75F, 20.25F, 41.5F, 60.5F};
  state.frame_width = 1920;
  state.frame_height = 1080;
  state.frame_time = WallTime(microseconds(1'764'150'012'000'678));
  state.start_time = WallTime(microseconds(1'764'150'000'123'456));
  state.current_zones = {"drive"};
  state.entered_zones = {"lawn", "drive"};
  event.before = state;
  return event;
}

TEST(EventJson, has_what_frigate_has_under_its_names) {
  Event event = usual();
  event.crossings = {{"gate", true}, {"fence", false}};
  event.before.score = 0.5F;
  const std::string text = event_json(event);
  EXPECT_THAT(text, testing::HasSubstr(R"("frame_time":1764150012.000678,)"));
  const Json json = Json::parse(text);
  EXPECT_EQ(json["type"], "update");
  EXPECT_EQ(json["before"]["score"], 0.5);
  EXPECT_EQ(
      json["crossings"],
      Json::parse(R"([{"line":"gate","direction":"in"},{"line":"fence","direction":"out"}])"));
  EXPECT_EQ(json["after"], Json::parse(R"({
    "id": "1764150000.123456-k3x9qd", "camera": "the \"door\"", "frame_time": 1764150012.000678,
    "label": "person", "score": 0.875, "top_score": 0.9375, "box": [10, 20, 42, 61], "area": 1312,
    "ratio": 0.78, "current_zones": ["drive"], "entered_zones": ["lawn", "drive"],
    "start_time": 1764150000.123456, "end_time": null, "stationary": false,
    "false_positive": false, "label_id": 0, "track_id": 12, "frame": [1920, 1080]})"));
}

TEST(EventJson, an_end_has_a_time_and_a_box_without_size_no_ratio_that_is_none) {
  Event event = usual();
  event.type = Event::Type::kEnd;
  event.after.end_time = WallTime(microseconds(1'764'150'020'500'000));
  event.after.box = {5, 5, 5, 5};
  const Json json = Json::parse(event_json(event));
  EXPECT_EQ(json["type"], "end");
  EXPECT_EQ(json["after"]["end_time"], 1764150020.5);
  EXPECT_EQ(json["after"]["ratio"], 0);
  EXPECT_EQ(json["after"]["area"], 0);
  EXPECT_EQ(json["crossings"], Json::array());
}

TEST(EventJson, the_outbox_is_told_what_it_can_be_asked_for) {
  const auto kept = to_new_event(usual(), "JPEG");
  EXPECT_EQ(kept.type, "update");
  EXPECT_EQ(kept.camera, "the \"door\"");
  EXPECT_EQ(kept.label, "person");
  EXPECT_THAT(kept.zones, testing::ElementsAre("lawn", "drive"));
  EXPECT_EQ(kept.picture, "JPEG");
  EXPECT_EQ(kept.json, event_json(usual()));
}

}  // namespace
}  // namespace osprey::sinks
