// SPDX-License-Identifier: Apache-2.0
#include "sinks/sink_set.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sinks/json_lines.hpp"
#include "sinks/sinks_testing.hpp"
#include "sinks/yolo_text.hpp"

namespace osprey::sinks {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// Writes down what it is asked; fails with its name where told to.
class Witness final : public Sink {
 public:
  Witness(std::string name, std::vector<std::string>& calls, bool pixels = false,
          bool fails = false)
      : name_(std::move(name)), calls_(calls), pixels_(pixels), fails_(fails) {}

  bool wants_pixels() const override { return pixels_; }
  Status begin(const StreamInfo& stream) override { return note("begin " + stream.uri); }
  Status write(const FrameResult& result) override {
    return note("write " + std::to_string(result.frame->id.sequence));
  }
  Status finish() override { return note("finish"); }
  std::vector<std::string> outputs() const override { return {name_ + ".out"}; }
  std::vector<std::string> notes() const override { return {name_ + " noted"}; }

 private:
  Status note(const std::string& call) {
    calls_.push_back(name_ + " " + call);
    if (fails_) return Error{ErrorCode::kIo, name_};
    return {};
  }

  std::string name_;
  std::vector<std::string>& calls_;
  bool pixels_, fails_;
};

TEST(SinkSet, hands_every_call_to_every_sink_in_order) {
  std::vector<std::string> calls;
  SinkSet set;
  set.add(std::make_unique<Witness>("a", calls));
  set.add(std::make_unique<Witness>("b", calls));
  ASSERT_TRUE(set.begin(stream_info(0, "x.mp4")).ok());
  ASSERT_TRUE(set.write(result_of({0, 7}, 10, 10, {})).ok());
  ASSERT_TRUE(set.finish().ok());
  EXPECT_THAT(calls, ElementsAre("a begin x.mp4", "b begin x.mp4", "a write 7", "b write 7",
                                 "a finish", "b finish"));
  EXPECT_THAT(set.outputs(), ElementsAre("a.out", "b.out"));
  EXPECT_THAT(set.notes(), ElementsAre("a noted", "b noted"));
}

TEST(SinkSet, wants_pixels_if_any_sink_does) {
  std::vector<std::string> calls;
  SinkSet set;
  EXPECT_FALSE(set.wants_pixels());
  set.add(std::make_unique<Witness>("a", calls, false));
  EXPECT_FALSE(set.wants_pixels());
  set.add(std::make_unique<Witness>("b", calls, true));
  EXPECT_TRUE(set.wants_pixels());
}

TEST(SinkSet, stops_writing_at_a_failure_but_finishes_every_sink) {
  std::vector<std::string> calls;
  SinkSet set;
  set.add(std::make_unique<Witness>("a", calls));
  set.add(std::make_unique<Witness>("b", calls, false, true));
  set.add(std::make_unique<Witness>("c", calls, false, true));
  const Status write = set.write(result_of({0, 0}, 10, 10, {}));
  ASSERT_FALSE(write.ok());
  EXPECT_EQ(write.error().message, "b");
  EXPECT_THAT(calls, ElementsAre("a write 0", "b write 0"));
  calls.clear();
  const Status finish = set.finish();
  ASSERT_FALSE(finish.ok());
  EXPECT_EQ(finish.error().message, "b");
  EXPECT_THAT(calls, ElementsAre("a finish", "b finish", "c finish"));
}

TEST(SinkSet, sinks_that_share_a_new_folder_leave_nothing_behind_when_abandoned) {
  const TemporaryFolder folder;
  {
    SinkSet set;
    set.add(std::move(create_yolo_text(folder / "out", false)).value());
    set.add(std::move(create_json_lines(folder / "out/results.jsonl", {})).value());
  }
  EXPECT_THAT(folder.entries(), IsEmpty());
}

}  // namespace
}  // namespace osprey::sinks
