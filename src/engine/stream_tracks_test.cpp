// SPDX-License-Identifier: Apache-2.0
#include "engine/stream_tracks.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace osprey::engine {
namespace {

using testing::ElementsAre;

class StreamTracksTest : public testing::Test {
 protected:
  StreamTracksTest() {
    models.labels.names = {"car", "plate"};
    models.models.emplace_back().conf = 0.5f;
    models.models.emplace_back().conf = 0.25f;
  }

  StreamTracks make() {
    auto tracks = StreamTracks::create({}, models);
    EXPECT_TRUE(tracks.ok());
    for (const std::uint32_t index : {1u, 0u}) {
      StreamInfo stream;
      stream.index = index;
      stream.frame_rate = 25;
      EXPECT_TRUE(tracks->begin(stream).ok());
    }
    return *std::move(tracks);
  }

  static Frame frame(std::uint32_t stream, std::uint64_t sequence) {
    Frame made;
    made.id = {stream, sequence};
    made.timestamp = {std::chrono::milliseconds(40 * sequence)};
    return made;
  }

  static Detection car(float x, float confidence = 0.9f) {
    return {{x, 0, x + 50, 40}, confidence, 0};
  }
  static Detection plate_of(std::int32_t parent) { return {{1, 1, 9, 4}, 0.7f, 1, 1, parent}; }

  RunModels models;
};

std::vector<std::int64_t> ids_of(const std::vector<Detection>& detections) {
  std::vector<std::int64_t> ids;
  for (const auto& detection : detections) ids.push_back(detection.track_id);
  return ids;
}

TEST_F(StreamTracksTest, streams_have_numbers_of_their_own_and_what_is_numbered_is_counted) {
  auto tracks = make();
  for (const std::uint32_t stream : {0u, 1u}) {
    std::vector<Detection> found = {car(0), car(200)};
    tracks.follow(frame(stream, 0), found);
    EXPECT_THAT(ids_of(found), ElementsAre(1, 2));
  }
  std::vector<Detection> found = {car(2)};
  tracks.follow(frame(0, 1), found);
  EXPECT_THAT(tracks.numbered(), ElementsAre(4u, 0u));
}

TEST_F(StreamTracksTest, what_has_no_number_is_left_out_with_what_is_attached_to_it) {
  auto tracks = make();
  // The second car is below its model's threshold, and begins nothing.
  std::vector<Detection> found = {car(0),      car(200, 0.4f), car(400),
                                  plate_of(1), plate_of(2),    plate_of(4)};
  tracks.follow(frame(0, 0), found);
  EXPECT_THAT(ids_of(found), ElementsAre(1, 2, -1, -1));
  EXPECT_EQ(found[2].parent, 1) << "the third car is the second now";
  EXPECT_EQ(found[3].parent, 2);
  // What is followed may be unsure for a while.
  found = {car(1, 0.2f), car(201, 0.2f)};
  tracks.follow(frame(0, 1), found);
  EXPECT_THAT(ids_of(found), ElementsAre(1));
}

}  // namespace
}  // namespace osprey::engine
