// SPDX-License-Identifier: Apache-2.0
#include "live/camera.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>

#include "base/file_testing.hpp"
#include "core/packed_image.hpp"
#include "engine/run_models.hpp"

namespace osprey::live {
namespace {

FrameResult result_at(std::uint64_t sequence) {
  constexpr int kWidth = 320, kHeight = 240;
  auto pixels = std::make_shared<std::vector<std::uint8_t>>(3 * kWidth * kHeight, 128);
  auto frame = std::make_shared<Frame>();
  frame->image = packed_bgr(std::move(pixels), kWidth, kHeight);
  frame->id.sequence = sequence;
  frame->timestamp = Timestamp{std::chrono::milliseconds(40 * sequence)};
  FrameResult result;
  result.frame = std::move(frame);
  Detection person;
  person.box = {40, 40, 120, 200};
  person.confidence = 0.9F;
  result.detections = {person};
  return result;
}

/// What its outputs still draw after the last result has labels, too.
TEST(Camera, FinishesItsOutputsWhenTheModelsAreGone) {
  base::RealClock clock;
  const base::TemporaryFolder folder;
  auto models = std::make_unique<engine::RunModels>();
  models->labels.names = {"somebody whose name is too long to lie within a string"};
  StreamConfig config;
  config.name = "door";
  config.source = "door.avi";
  config.hls = true;
  CameraSetting setting{{}, *models, folder.path().string(), {}};
  auto camera = Camera::create(config, setting, clock);
  ASSERT_TRUE(camera.ok()) << camera.error().message;
  for (std::uint64_t i = 0; i < 20; ++i) {
    auto result = result_at(i);
    (*camera)->take(result);
  }
  models.reset();
  (*camera)->finish();
  EXPECT_EQ((*camera)->output_problem(), "");
  EXPECT_THAT((*camera)->label_names(), testing::ElementsAre(testing::StartsWith("somebody")));
  EXPECT_TRUE(std::filesystem::exists(folder / "hls/door")) << folder.path();
}

}  // namespace
}  // namespace osprey::live
