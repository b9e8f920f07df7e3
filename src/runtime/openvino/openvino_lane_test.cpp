// SPDX-License-Identifier: Apache-2.0
// What backend.hpp promises of lanes: slots, completions, outputs.
#include <gmock/gmock.h>

#include <atomic>
#include <openvino/op/ops.hpp>
#include <openvino/openvino.hpp>

#include "runtime/openvino/openvino_testing.hpp"
#include "tests/support/test_models.hpp"

namespace osprey::runtime {
namespace {

using testing::ElementsAreArray;
using testing::HasSubstr;
using testing::StartsWith;
namespace op = ov::op;

constexpr std::size_t kWidth = 4, kHeight = 2, kBytes = 3 * kWidth * kHeight;

std::shared_ptr<op::v0::Constant> ints(const std::vector<std::int64_t>& values) {
  return op::v0::Constant::create(ov::element::i64, {values.size()}, values);
}

class OpenVinoLaneTest : public OpenVinoTest {
 protected:
  static std::shared_ptr<op::v0::Parameter> bytes() {
    return std::make_shared<op::v0::Parameter>(ov::element::u8, ov::Shape{1, kHeight, kWidth, 3});
  }
  std::string write(const std::shared_ptr<op::v0::Parameter>& input,
                    const ov::Output<ov::Node>& output) {
    auto path = folder_ / "model.xml";
    ov::serialize(std::make_shared<ov::Model>(ov::OutputVector{output}, ov::ParameterVector{input}),
                  path);
    return path;
  }

  /// Twice the bytes.
  std::string doubling() {
    const auto input = bytes();
    const auto numbers = std::make_shared<op::v0::Convert>(input, ov::element::f32);
    return write(input, std::make_shared<op::v1::Add>(numbers, numbers));
  }

  /// The bytes in the shape that the first two of them say; an error if they say another count.
  std::string reshaping() {
    const auto input = bytes();
    const auto list = std::make_shared<op::v1::Reshape>(input, ints({-1}), false);
    const auto shape = std::make_shared<op::v8::Slice>(list, ints({0}), ints({2}), ints({1}));
    return write(input,
                 std::make_shared<op::v1::Reshape>(
                     list, std::make_shared<op::v0::Convert>(shape, ov::element::i64), false));
  }

  /// Twice the bytes, by way of shapes that are written down for one picture.
  std::string doubling_in_fixed_shapes() {
    const auto input = bytes();
    const auto numbers = std::make_shared<op::v0::Convert>(input, ov::element::f32);
    const auto rows = std::make_shared<op::v1::Reshape>(numbers, ints({1, -1, 3}), false);
    const auto pairs = std::make_shared<op::v1::Reshape>(rows, ints({1, 4, 2, 3}), false);
    return write(input, std::make_shared<op::v1::Add>(pairs, pairs));
  }

  /// Where the bytes are not zero: [4, count], a row a dimension.
  std::string finding() {
    const auto input = bytes();
    return write(input, std::make_shared<op::v3::NonZero>(input));
  }
};

Floats doubled(const Bytes& bytes) {
  Floats values;
  for (const auto byte : bytes) values.push_back(2.f * byte);
  return values;
}

TEST_F(OpenVinoLaneTest, a_session_has_the_lanes_asked_for) {
  const auto path = doubling();
  for (const int lanes : {1, 2}) {
    EXPECT_EQ(compile(path, plain_input(kWidth, kHeight), {.lanes = lanes})->lanes(), lanes);
  }
  EXPECT_GE(compile(path, plain_input(kWidth, kHeight), {.lanes = 0})->lanes(), 1);
  EXPECT_EQ(compile(path, plain_input(kWidth, kHeight), {.lanes = 0, .threads = 1})->lanes(), 1);
}

TEST_F(OpenVinoLaneTest, the_slots_of_a_lane_keep_their_own_inputs_and_outputs) {
  const auto lane = lane_of(doubling(), plain_input(kWidth, kHeight));
  EXPECT_EQ(lane->input(0, 0).width, kWidth);
  EXPECT_EQ(lane->input(0, 0).height, kHeight);
  const auto first = pattern(kBytes, 1), second = pattern(kBytes, 2), third = pattern(kBytes, 3);
  fill(*lane, 0, first);
  fill(*lane, 1, second);
  auto ended = std::array{start(*lane, 0), start(*lane, 1)};
  for (auto& each : ended) must(each.get());
  EXPECT_EQ(values_of(lane->outputs(1, 0)[0]), doubled(second));
  EXPECT_EQ(infer(*lane, third, 1), doubled(third));
  EXPECT_EQ(values_of(lane->outputs(0, 0)[0]), doubled(first));
}

TEST_F(OpenVinoLaneTest, the_slots_of_a_lane_run_in_the_order_they_are_started) {
  const auto lane = lane_of(doubling(), plain_input(kWidth, kHeight));
  for (std::size_t i = 0; i < 50; ++i) {
    const std::size_t slots[] = {i % 2, 1 - i % 2};
    std::vector<std::size_t> order;
    std::vector<std::future<Status>> ended;
    for (const auto slot : slots) {
      ended.push_back(start(*lane, slot, [&order, slot] { order.push_back(slot); }));
    }
    for (auto& each : ended) must(each.get());
    ASSERT_THAT(order, ElementsAreArray(slots));
  }
}

TEST_F(OpenVinoLaneTest, a_batch_gives_each_picture_the_answer_it_gets_alone) {
  for (const auto head : {support::SpotHead::kChannelsFirst, support::SpotHead::kRows}) {
    for (const bool dynamic : {false, true}) {
      SCOPED_TRACE(std::to_string(static_cast<int>(head)) + (dynamic ? " dynamic" : " fixed"));
      const auto path = folder_ / "spots.onnx";
      support::SpotDetector options;
      options.head = head;
      options.dynamic = dynamic;
      must(support::write_spot_detector(path, options));
      const auto input = plain_input(options.width, options.height);
      const auto alone = lane_of(path, input);
      const auto session = compile(path, input, {.lanes = 1, .batch = 3});
      EXPECT_EQ(session->batch(), 3);
      const auto lane = must(session->create_lane());
      const auto bytes = size_of(lane->input(0, 0));
      for (std::size_t item = 0; item < 3; ++item) {
        fill(*lane, 1, pattern(bytes, static_cast<std::uint32_t>(item)), item);
      }
      must(start(*lane, 1).get());
      for (std::size_t item = 0; item < 3; ++item) {
        const auto expected = infer(*alone, pattern(bytes, static_cast<std::uint32_t>(item)));
        const auto outputs = lane->outputs(1, item);
        EXPECT_EQ(outputs[0].shape, alone->outputs(0, 0)[0].shape);
        const auto values = values_of(outputs[0]);
        ASSERT_EQ(values.size(), expected.size());
        for (std::size_t i = 0; i < values.size(); ++i) {
          ASSERT_NEAR(values[i], expected[i], 1e-3 * std::max(1.f, std::abs(expected[i])));
        }
      }
    }
  }
}

TEST_F(OpenVinoLaneTest, a_batch_goes_through_shapes_that_are_fixed_inside) {
  const auto session =
      compile(doubling_in_fixed_shapes(), plain_input(kWidth, kHeight), {.lanes = 1, .batch = 2});
  const auto lane = must(session->create_lane());
  fill(*lane, 0, pattern(kBytes, 1), 0);
  fill(*lane, 0, pattern(kBytes, 2), 1);
  must(start(*lane, 0).get());
  EXPECT_EQ(values_of(lane->outputs(0, 0)[0]), doubled(pattern(kBytes, 1)));
  EXPECT_EQ(values_of(lane->outputs(0, 1)[0]), doubled(pattern(kBytes, 2)));
  EXPECT_EQ(lane->outputs(0, 1)[0].shape, (Shape{1, 4, 2, 3}));
}

TEST_F(OpenVinoLaneTest, a_network_that_cannot_take_a_batch_says_so) {
  const auto path = finding();
  const auto session =
      must(backend_->load(path))->compile(plain_input(kWidth, kHeight), {.lanes = 1, .batch = 2});
  ASSERT_FALSE(session.ok());
  EXPECT_THAT(session.error().message, HasSubstr("cannot take 2 pictures at once: output 0"));
}

TEST_F(OpenVinoLaneTest, lanes_side_by_side_give_the_answers_of_one) {
  constexpr std::size_t kLanes = 2;
  const auto session = compile(doubling(), plain_input(kWidth, kHeight), {.lanes = kLanes});
  std::vector<std::unique_ptr<Lane>> lanes;
  for (std::size_t i = 0; i < kLanes; ++i) lanes.push_back(must(session->create_lane()));
  for (std::uint32_t round = 0; round < 100; ++round) {
    std::vector<std::future<Status>> ended;
    for (std::size_t i = 0; i < 2 * kLanes; ++i) {
      fill(*lanes[i / 2], i % 2, pattern(kBytes, 4 * round + static_cast<std::uint32_t>(i)));
      ended.push_back(start(*lanes[i / 2], i % 2));
    }
    for (auto& each : ended) must(each.get());
    for (std::size_t i = 0; i < 2 * kLanes; ++i) {
      ASSERT_EQ(values_of(lanes[i / 2]->outputs(i % 2, 0)[0]),
                doubled(pattern(kBytes, 4 * round + static_cast<std::uint32_t>(i))));
    }
  }
}

TEST_F(OpenVinoLaneTest, a_completion_may_start_its_slot_again) {
  constexpr int kRuns = 50;
  for (const int lanes : {1, 2}) {
    std::vector<std::future<Status>> ended(kRuns);
    std::size_t runs = 0;
    std::promise<void> all;
    std::unique_ptr<Lane> lane;  // after what its completions use, so that it goes before
    const std::function<void()> again = [&] {
      if (runs == kRuns) return all.set_value();
      const auto run = runs++;
      ended[run] = start(*lane, 0, again);
    };
    lane = must(compile(doubling(), plain_input(kWidth, kHeight), {.lanes = lanes})->create_lane());
    again();
    all.get_future().wait();
    for (auto& each : ended) must(each.get());
  }
}

TEST_F(OpenVinoLaneTest, a_failed_run_says_so_once_and_leaves_the_slot_usable) {
  const auto lane = lane_of(reshaping(), plain_input(kWidth, kHeight));
  Bytes picture(kBytes, 7);
  for (int i = 0; i < 3; ++i) {
    int calls = 0;
    picture[0] = picture[1] = 5;
    fill(*lane, 0, picture);
    const auto failed = start(*lane, 0, [&] { ++calls; }).get();
    ASSERT_FALSE(failed.ok());
    EXPECT_THAT(failed.error().message, StartsWith("inference failed: "));
    picture[0] = 8, picture[1] = 3;
    EXPECT_EQ(infer(*lane, picture).size(), kBytes);
    EXPECT_EQ(lane->outputs(0, 0)[0].shape, (Shape{8, 3}));
    EXPECT_EQ(calls, 1);
  }
}

TEST_F(OpenVinoLaneTest, starting_a_slot_that_runs_fails_at_once_and_disturbs_nothing) {
  std::promise<void> release;
  const auto lane = lane_of(doubling(), plain_input(kWidth, kHeight));
  const auto picture = pattern(kBytes);
  fill(*lane, 0, picture);
  fill(*lane, 1, picture);
  // Completions come one after the other: while that of slot 1 is held, slot 0 has not ended.
  auto held = start(*lane, 1, [&] { release.get_future().wait(); });
  auto first = start(*lane, 0);
  auto second = start(*lane, 0);
  const auto at_once = second.wait_for(std::chrono::seconds(0));
  release.set_value();
  ASSERT_EQ(at_once, std::future_status::ready);
  EXPECT_FALSE(second.get().ok());
  EXPECT_TRUE(first.get().ok());
  EXPECT_TRUE(held.get().ok());
  EXPECT_EQ(values_of(lane->outputs(0, 0)[0]), doubled(picture));
}

TEST_F(OpenVinoLaneTest, a_lane_that_goes_away_waits_for_what_it_runs) {
  const auto session = compile(doubling(), plain_input(kWidth, kHeight));
  for (int i = 0; i < 50; ++i) {
    std::atomic<int> ended = 0;
    auto lane = must(session->create_lane());
    for (const std::size_t slot : {0, 1}) {
      lane->start(slot, [&](const Status&) { ++ended; });
    }
    lane.reset();
    ASSERT_EQ(ended, 2);
  }
}

TEST_F(OpenVinoLaneTest, a_lane_outlives_its_session_model_and_backend) {
  auto lane = lane_of(doubling(), plain_input(kWidth, kHeight));
  backend_.reset();
  const auto picture = pattern(kBytes);
  EXPECT_EQ(infer(*lane, picture), doubled(picture));
}

TEST_F(OpenVinoLaneTest, outputs_whose_shape_depends_on_the_data_are_right_from_run_to_run) {
  const auto lane = lane_of(finding(), plain_input(kWidth, kHeight));
  for (const std::size_t first : {3, 0, 24, 1, 20, 7}) {
    for (const std::size_t slot : {0, 1}) {
      const auto count = (first + 5 * slot) % (kBytes + 1);
      SCOPED_TRACE(std::to_string(count) + " in slot " + std::to_string(slot));
      Bytes picture(kBytes, 0);
      std::fill_n(picture.begin(), count, 9);
      const auto found = infer(*lane, picture, slot);
      ASSERT_EQ(lane->outputs(slot, 0)[0].shape, (Shape{4, static_cast<std::int64_t>(count)}));
      for (std::size_t i = 0; i < count; ++i) {
        const std::size_t place[] = {0, i / 3 / kWidth, i / 3 % kWidth, i % 3};
        for (std::size_t d = 0; d < 4; ++d) EXPECT_EQ(found[d * count + i], place[d]);
      }
    }
  }
}

}  // namespace
}  // namespace osprey::runtime
