// SPDX-License-Identifier: Apache-2.0
// The backend on the virtual board.
#include "runtime/rknn/rknn_backend.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <thread>

#include "base/file_testing.hpp"
#include "base/read_file.hpp"
#include "sim/rk3588/container.hpp"
#include "tests/support/test_models.hpp"

namespace osprey::runtime {
namespace {

using ::testing::HasSubstr;

template <typename T>
T must(Result<T> result) {
  if (!result.ok()) throw std::runtime_error(result.error().message);
  return std::move(result).value();
}

constexpr std::uint32_t kSide = 128, kCells = 256;
constexpr std::size_t kPictureBytes = std::size_t{kSide} * kSide * 3;

class VirtualBoard : public testing::Test {
 protected:
  VirtualBoard() {
    const auto onnx = folder_ / "spots.onnx";
    EXPECT_TRUE(support::write_spot_detector(onnx).ok());
    model_.name = "spots";
    model_.onnx = must(base::read_file(onnx, "a model"));
    model_.mean = {0, 0, 0};
    model_.std = {255, 255, 255};
    model_.input = {"images", {1, kSide, kSide, 3}, true, sim::Type::kInt8, 1.f / 255, -128};
    model_.outputs = {{"output0", {1, 7, kCells}}};
    setenv("OSPREY_SIM_ANSWERS", "none", 1);
  }
  ~VirtualBoard() override { unsetenv("OSPREY_SIM_FAULTS"); }

  /// A grey picture's outputs.
  static std::vector<float> answer(Lane& lane, std::uint8_t grey) {
    std::fill_n(lane.input(0, 0).data, kPictureBytes, grey);
    EXPECT_TRUE(start(lane, 0).get().ok());
    const auto output = lane.outputs(0, 0)[0];
    return {output.data, output.data + output.size()};
  }

  static std::ptrdiff_t open_descriptors() {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                         std::filesystem::directory_iterator());
  }

  std::string file() {
    auto path = folder_ / "spots.rknn";
    base::write_text(path, sim::to_bytes(model_));
    return path;
  }

  static std::unique_ptr<Backend> backend() { return must(create_rknn_backend(VIRTUAL_RKNNRT)); }

  std::unique_ptr<Session> session(const SessionOptions& options = {}) {
    model::InputSpec input;
    input.width = input.height = kSide;
    return must(must(backend()->load(file()))->compile(input, options));
  }

  static std::future<Status> start(Lane& lane, std::size_t slot) {
    auto ended = std::make_shared<std::promise<Status>>();
    lane.start(slot, [ended](Status status) { ended->set_value(std::move(status)); });
    return ended->get_future();
  }

  std::string load_error(const std::string& path) {
    const auto loaded = backend()->load(path);
    return loaded ? std::string() : loaded.error().message;
  }

  base::TemporaryFolder folder_;
  sim::Model model_;
};

TEST_F(VirtualBoard, says_what_the_model_is) {
  const auto loaded = must(backend()->load(file()));
  const auto& description = loaded->description();
  EXPECT_EQ(description.format, "RKNN");
  EXPECT_EQ(description.precision, "INT8");
  EXPECT_EQ(description.inputs[0].name, "images");
  EXPECT_EQ(description.inputs[0].shape, (Shape{1, kSide, kSide, 3}));
  EXPECT_EQ(description.outputs[0].shape, (Shape{1, 7, kCells}));
}

TEST_F(VirtualBoard, computes_what_the_network_says) {
  setenv("OSPREY_SIM_ANSWERS", "compute", 1);
  const auto lane = must(session()->create_lane());
  // A red square of 24 pixels at (8, 16) on black: the detector's class 0.
  auto buffer = lane->input(1, 0);
  std::fill_n(buffer.data, kPictureBytes, std::uint8_t{0});
  for (std::size_t y = 16; y < 40; ++y) {
    for (std::size_t x = 8; x < 32; ++x) buffer.data[(y * kSide + x) * 3] = 255;
  }
  ASSERT_TRUE(start(*lane, 1).get().ok());
  const auto output = lane->outputs(1, 0)[0];
  ASSERT_EQ(output.shape, (Shape{1, 7, kCells}));
  const float* scores = output.data + 4 * std::size_t{kCells};
  std::size_t best = 0;
  for (std::size_t i = 0; i < kCells; ++i) {
    if (scores[i] > scores[best]) best = i;
  }
  EXPECT_GT(scores[best], 0.7f);
  EXPECT_NEAR(output.data[best], 20, 0.2);
  EXPECT_NEAR(output.data[kCells + best], 28, 0.2);
}

TEST_F(VirtualBoard, has_a_lane_a_core_unless_told_otherwise) {
  EXPECT_EQ(session()->lanes(), 3);
  EXPECT_EQ(session({.lanes = 2})->lanes(), 2);
  EXPECT_EQ(session({.core_masks = {7}})->lanes(), 1);
  EXPECT_EQ(session({.core_masks = {0, 0, 1, 2}})->lanes(), 4);
  const auto wrong = session({.core_masks = {64}})->create_lane();
  ASSERT_FALSE(wrong.ok());
  EXPECT_THAT(wrong.error().message, HasSubstr("core mask 64"));
}

TEST_F(VirtualBoard, lanes_and_slots_give_each_its_own_answer) {
  setenv("OSPREY_SIM_ANSWERS", "compute", 1);
  const auto board = session();
  std::vector<std::unique_ptr<Lane>> lanes;
  lanes.reserve(3);
  for (int i = 0; i < 3; ++i) lanes.push_back(must(board->create_lane()));
  std::vector<std::vector<float>> alone;
  for (std::uint8_t i = 0; i < 6; ++i) {
    std::fill_n(lanes[0]->input(0, 0).data, kPictureBytes, static_cast<std::uint8_t>(40 * i));
    ASSERT_TRUE(start(*lanes[0], 0).get().ok());
    const auto output = lanes[0]->outputs(0, 0)[0];
    alone.emplace_back(output.data, output.data + output.size());
  }
  std::vector<std::future<Status>> runs;
  for (std::uint8_t i = 0; i < 6; ++i) {
    auto& lane = *lanes[i / 2];
    std::fill_n(lane.input(i % 2, 0).data, kPictureBytes, static_cast<std::uint8_t>(40 * i));
    runs.push_back(start(lane, i % 2));
  }
  for (auto& run : runs) EXPECT_TRUE(run.get().ok());
  for (std::size_t i = 0; i < 6; ++i) {
    const auto output = lanes[i / 2]->outputs(i % 2, 0)[0];
    EXPECT_EQ(alone[i], (std::vector<float>(output.data, output.data + output.size()))) << i;
  }
}

TEST_F(VirtualBoard, a_slot_that_runs_is_not_started_twice) {
  model_.core_ms = 2000;  // a busy machine may be late with the second
  const auto board = session();
  const auto lane = must(board->create_lane());
  auto first = start(*lane, 0);
  const auto second = start(*lane, 0).get();
  ASSERT_FALSE(second.ok());
  EXPECT_THAT(second.error().message, HasSubstr("the slot is running"));
  EXPECT_TRUE(first.get().ok());
}

TEST_F(VirtualBoard, replays_what_was_recorded) {
  setenv("OSPREY_SIM_RECORDING", (folder_ / "answers").c_str(), 1);
  setenv("OSPREY_SIM_ANSWERS", "record", 1);
  std::vector<float> recorded;
  {
    const auto lane = must(session()->create_lane());
    std::fill_n(lane->input(0, 0).data, kPictureBytes, std::uint8_t{90});
    ASSERT_TRUE(start(*lane, 0).get().ok());
    const auto output = lane->outputs(0, 0)[0];
    recorded.assign(output.data, output.data + output.size());
  }
  setenv("OSPREY_SIM_ANSWERS", "replay", 1);
  const auto lane = must(session()->create_lane());
  ASSERT_TRUE(start(*lane, 1).get().ok());
  const auto output = lane->outputs(1, 0)[0];
  EXPECT_EQ(recorded, (std::vector<float>(output.data, output.data + output.size())));
}

TEST_F(VirtualBoard, int8_outputs_come_back_as_the_nearest_steps) {
  setenv("OSPREY_SIM_ANSWERS", "compute", 1);
  const auto exact = must(session()->create_lane());
  model_.outputs[0].type = sim::Type::kInt8;
  model_.outputs[0].scale = 1.f;
  model_.outputs[0].zero_point = -10;
  const auto rough = must(session()->create_lane());
  for (auto* lane : {exact.get(), rough.get()}) {
    std::fill_n(lane->input(0, 0).data, kPictureBytes, std::uint8_t{40});
    ASSERT_TRUE(start(*lane, 0).get().ok());
  }
  const auto a = exact->outputs(0, 0)[0], b = rough->outputs(0, 0)[0];
  for (std::size_t i = 0; i < a.size(); ++i) {
    ASSERT_EQ(b.data[i], std::clamp(std::nearbyint(a.data[i]), -118.f, 137.f));
  }
}

TEST_F(VirtualBoard, zero_copy_and_plain_give_the_same_numbers) {
  setenv("OSPREY_SIM_ANSWERS", "compute", 1);
  for (const auto type : {sim::Type::kFloat32, sim::Type::kInt8}) {
    model_.outputs[0].type = type;
    model_.outputs[0].scale = 0.5f;
    model_.outputs[0].zero_point = -3;
    const auto shared = session();
    const auto copied = session({.zero_copy = false});
    const auto a = must(shared->create_lane()), b = must(copied->create_lane());
    for (const std::uint8_t grey : {0, 90, 255}) EXPECT_EQ(answer(*a, grey), answer(*b, grey));
  }
}

TEST_F(VirtualBoard, memory_that_cannot_be_shared_is_copied) {
  setenv("OSPREY_SIM_ANSWERS", "compute", 1);
  const auto board = session();
  const auto shared = must(board->create_lane());
  // The input is refused, or an output once the input has been taken.
  for (const char* fault : {"sharing", "sharing from=2"}) {
    setenv("OSPREY_SIM_FAULTS", fault, 1);
    const auto refusing = session();
    const auto copied = must(refusing->create_lane());
    for (const std::uint8_t grey : {0, 90, 255}) {
      EXPECT_EQ(answer(*copied, grey), answer(*shared, grey)) << fault;
    }
  }
}

TEST_F(VirtualBoard, a_run_of_several_pictures_gives_each_its_own_answer) {
  setenv("OSPREY_SIM_ANSWERS", "compute", 1);
  const auto single = session();
  const auto one = must(single->create_lane());
  model_.input.dims[0] = model_.outputs[0].dims[0] = 3;
  for (const bool zero_copy : {true, false}) {
    const auto board = session({.zero_copy = zero_copy});
    EXPECT_EQ(board->batch(), 3);
    const auto lane = must(board->create_lane());
    for (std::size_t i = 0; i < 3; ++i) {
      std::fill_n(lane->input(0, i).data, kPictureBytes, static_cast<std::uint8_t>(60 * i));
    }
    ASSERT_TRUE(start(*lane, 0).get().ok());
    for (std::size_t i = 0; i < 3; ++i) {
      const auto output = lane->outputs(0, i)[0];
      EXPECT_EQ(output.shape, (Shape{1, 7, kCells}));
      EXPECT_EQ(std::vector<float>(output.data, output.data + output.size()),
                answer(*one, static_cast<std::uint8_t>(60 * i)));
    }
  }
}

TEST_F(VirtualBoard, a_run_of_several_pictures_has_no_core_of_its_own) {
  model_.input.dims[0] = model_.outputs[0].dims[0] = 3;
  model::InputSpec input;
  input.width = input.height = kSide;
  const auto loaded = must(backend()->load(file()));
  EXPECT_EQ(loaded->description().inputs[0].shape[0], 1);
  const auto wrong = loaded->compile(input, {.core_masks = {1, 2}});
  ASSERT_FALSE(wrong.ok());
  EXPECT_THAT(wrong.error().message, HasSubstr("takes 3 pictures a run"));
  EXPECT_THAT(wrong.error().message, HasSubstr("expected --cores auto or 0_1_2"));
  EXPECT_FALSE(loaded->compile(input, {.batch = 2}).ok());
  EXPECT_TRUE(loaded->compile(input, {.batch = 3}).ok());
}

TEST_F(VirtualBoard, a_core_that_times_out_is_the_lane_s_fault_and_works_again_once_mended) {
  setenv("OSPREY_SIM_FAULTS", "timeout ms=5", 1);
  const auto board = session();
  const auto lane = must(board->create_lane());
  const auto failed = start(*lane, 0).get();
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(failed.error().message, HasSubstr("timed out"));
  unsetenv("OSPREY_SIM_FAULTS");
  ASSERT_TRUE(lane->mend().ok());
  EXPECT_TRUE(start(*lane, 0).get().ok());
}

TEST_F(VirtualBoard, a_run_that_hangs_is_left_behind_with_its_context) {
  setenv("OSPREY_SIM_FAULTS", "hang core=1 ms=4000", 1);
  const auto board = session({.core_masks = {2}});
  const auto lane = must(board->create_lane());
  const auto before = open_descriptors();
  std::atomic<bool> called = false;
  lane->start(0, [&called](const Status&) { called = true; });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));  // until it runs
  ASSERT_TRUE(lane->mend().ok());                              // waits for a while, then no more
  EXPECT_FALSE(called);
  unsetenv("OSPREY_SIM_FAULTS");
  // The new context's run waits for the core, and then ends.
  EXPECT_TRUE(start(*lane, 0).get().ok());
  EXPECT_FALSE(called);
  // And what was left behind goes once its run is over.
  for (int i = 0; i < 1000 && open_descriptors() != before; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_EQ(open_descriptors(), before);
}

TEST_F(VirtualBoard, mending_leaks_no_descriptors) {
  const auto board = session();
  const auto lane = must(board->create_lane());
  const auto before = open_descriptors();
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(lane->mend().ok());
  setenv("OSPREY_SIM_FAULTS", "memory every=5", 1);
  int failed = 0;
  for (int i = 0; i < 20; ++i) failed += !lane->mend().ok();
  EXPECT_GT(failed, 5);
  unsetenv("OSPREY_SIM_FAULTS");
  ASSERT_TRUE(lane->mend().ok());
  EXPECT_EQ(open_descriptors(), before);
}

TEST_F(VirtualBoard, what_cannot_run_is_told_in_words) {
  EXPECT_THAT(load_error(folder_ / "none.rknn"), HasSubstr("no such model file"));
  base::write_text(folder_ / "text.rknn", "hello");
  EXPECT_THAT(load_error(folder_ / "text.rknn"), HasSubstr("does not take the model"));
  model_.platform = "rk3576";
  EXPECT_THAT(load_error(file()), HasSubstr("for another chip"));
  model_.platform = "rk3588";
  setenv("OSPREY_SIM_FAULTS", "init", 1);
  EXPECT_THAT(load_error(file()), HasSubstr("/dev/dri/renderD*"));
  setenv("OSPREY_SIM_FAULTS", "memory", 1);
  EXPECT_THAT(load_error(file()), HasSubstr("out of memory"));
  const auto none = create_rknn_backend("librknnrt-that-is-not-there.so");
  ASSERT_FALSE(none.ok());
  EXPECT_THAT(none.error().message, HasSubstr("--rknn-library"));
  const auto other = create_rknn_backend("libc.so.6");
  ASSERT_FALSE(other.ok());
  EXPECT_THAT(other.error().message, HasSubstr("has no function rknn_init"));
}

}  // namespace
}  // namespace osprey::runtime
