// SPDX-License-Identifier: Apache-2.0
#include "sinks/sink_set.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/simulated_clock.hpp"
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
  set.add("a", std::make_unique<Witness>("a", calls));
  set.add("b", std::make_unique<Witness>("b", calls));
  ASSERT_TRUE(set.begin(stream_info(0, "x.mp4")).ok());
  ASSERT_TRUE(set.write(result_of({0, 7}, 10, 10, {})).ok());
  ASSERT_TRUE(set.finish().ok());
  EXPECT_THAT(calls, ElementsAre("a begin x.mp4", "b begin x.mp4", "a write 7", "b write 7",
                                 "a finish", "b finish"));
  EXPECT_THAT(set.outputs(), ElementsAre("a.out", "b.out"));
  EXPECT_THAT(set.notes(), ElementsAre("a noted", "b noted"));
}

/// Takes its time.
class Slow final : public Sink {
 public:
  Slow(base::Clock& clock, Duration duration) : clock_(clock), duration_(duration) {}

  bool wants_pixels() const override { return false; }
  Status begin(const StreamInfo&) override { return {}; }
  Status write(const FrameResult&) override {
    clock_.sleep_for(duration_);
    return {};
  }
  Status finish() override { return {}; }
  std::vector<std::string> outputs() const override { return {}; }

 private:
  base::Clock& clock_;
  Duration duration_;
};

TEST(SinkSet, says_what_each_sink_takes) {
  base::SimulatedClock clock;
  SinkSet set;
  set.add("quick", std::make_unique<Slow>(clock, std::chrono::milliseconds(1)));
  set.add("slow", std::make_unique<Slow>(clock, std::chrono::milliseconds(30)));
  set.measure(clock);
  for (std::uint64_t n : {0, 1, 2}) ASSERT_TRUE(set.write(result_of({0, n}, 10, 10, {})).ok());
  const auto times = set.times();
  ASSERT_EQ(times.size(), 2U);
  EXPECT_EQ(times[0].name, "quick");
  EXPECT_EQ(times[0].spent, std::chrono::milliseconds(3));
  EXPECT_EQ(times[1].name, "slow");
  EXPECT_EQ(times[1].spent, std::chrono::milliseconds(90));
  EXPECT_EQ(times[1].calls, 3U);
}

TEST(SinkSet, wants_pixels_if_any_sink_does) {
  std::vector<std::string> calls;
  SinkSet set;
  EXPECT_FALSE(set.wants_pixels());
  set.add("a", std::make_unique<Witness>("a", calls, false));
  EXPECT_FALSE(set.wants_pixels());
  set.add("b", std::make_unique<Witness>("b", calls, true));
  EXPECT_TRUE(set.wants_pixels());
}

TEST(SinkSet, stops_writing_at_a_failure_but_finishes_every_sink) {
  std::vector<std::string> calls;
  SinkSet set;
  set.add("a", std::make_unique<Witness>("a", calls));
  set.add("b", std::make_unique<Witness>("b", calls, false, true));
  set.add("c", std::make_unique<Witness>("c", calls, false, true));
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
    set.add("txt", std::move(create_yolo_text(folder / "out", false)).value());
    set.add("json", std::move(create_json_lines(folder / "out/results.jsonl", {})).value());
  }
  EXPECT_THAT(folder.entries(), IsEmpty());
}

}  // namespace
}  // namespace osprey::sinks
