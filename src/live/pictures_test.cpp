// SPDX-License-Identifier: Apache-2.0
#include "live/pictures.hpp"

#include <gtest/gtest.h>

#include <future>

#include "core/packed_image.hpp"

namespace osprey::live {
namespace {

using namespace std::chrono_literals;

std::shared_ptr<const FrameResult> grey_frame() {
  constexpr int kWidth = 64, kHeight = 32;
  auto pixels = std::make_shared<std::vector<std::uint8_t>>(3 * kWidth * kHeight, 128);
  auto frame = std::make_shared<Frame>();
  frame->image = packed_bgr(std::move(pixels), kWidth, kHeight);
  auto result = std::make_shared<FrameResult>();
  result->frame = std::move(frame);
  return result;
}

std::uint64_t number_of(const Result<std::optional<NewestFrame::Jpeg>>& jpeg) {
  return jpeg && *jpeg ? (*jpeg)->sequence : 0;
}

TEST(NewestFrame, NumbersGoOnWithAnotherCamera) {
  NewestFrame before({}), after({});
  before.put(grey_frame());
  before.put(grey_frame());
  const auto seen = number_of(before.jpeg(0, {}, 0ms));
  ASSERT_GT(seen, 0u);
  const auto none = after.jpeg(seen, {}, 0ms);
  ASSERT_TRUE(none) << none.error().message;
  EXPECT_FALSE(*none);
  after.put(grey_frame());
  EXPECT_GT(number_of(after.jpeg(seen, {}, 0ms)), seen);
}

TEST(NewestFrame, ShowsItsLastFrameWhenItIsClosedAndNoMore) {
  NewestFrame newest({});
  newest.put(grey_frame());
  newest.close();
  const auto last = newest.jpeg(0, {}, 1h);
  ASSERT_GT(number_of(last), 0u);
  const auto none = newest.jpeg(number_of(last), {}, 1h);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(none.error().message, "the stream has ended");
}

TEST(NewestFrame, WhoWaitsIsToldThatItIsClosed) {
  NewestFrame newest({});
  auto waiting = std::async(std::launch::async, [&] { return newest.jpeg(0, {}, 1h); });
  newest.close();
  EXPECT_FALSE(waiting.get());
}

TEST(NewestFrame, AnyNumberOfKindsCanBeAskedFor) {
  NewestFrame newest({});
  newest.put(grey_frame());
  for (int round = 0; round < 2; ++round) {
    for (int width = 1; width <= 64; ++width) {
      ASSERT_GT(number_of(newest.jpeg(0, {false, width}, 0ms)), 0u) << width;
    }
  }
}

}  // namespace
}  // namespace osprey::live
