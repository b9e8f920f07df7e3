// SPDX-License-Identifier: Apache-2.0
#include "tracking/kalman_box.hpp"

#include <gtest/gtest.h>

namespace osprey::tracking {
namespace {

void expect_box(const KalmanBox& motion, const Box& box, float tolerance) {
  const Box is = motion.box();
  EXPECT_NEAR(is.x1, box.x1, tolerance);
  EXPECT_NEAR(is.y1, box.y1, tolerance);
  EXPECT_NEAR(is.x2, box.x2, tolerance);
  EXPECT_NEAR(is.y2, box.y2, tolerance);
}

// The boxes that KalmanFilterXYAH of Ultralytics 8.4.190 gave, which knows nothing of the four
// being filters of their own.
TEST(KalmanBox, gives_the_boxes_of_ultralytics) {
  KalmanBox motion({100, 50, 140, 150});
  for (const Box& box : {Box{104, 52, 144, 154}, {107, 53, 149, 155}, {112, 56, 152, 154}}) {
    motion.predict(1);
    motion.correct(box);
  }
  expect_box(motion, {111.48315f, 55.39736f, 151.15395f, 154.45389f}, 1e-4f);
  motion.stop_growing();
  for (int i = 0; i < 3; ++i) motion.predict(1);
  expect_box(motion, {119.70169f, 58.23752f, 159.37249f, 157.29404f}, 1e-4f);
  motion.correct({125, 62, 165, 160});
  expect_box(motion, {124.85472f, 61.67f, 164.187f, 159.76267f}, 1e-4f);
  motion.predict(1);
  expect_box(motion, {128.55911f, 63.25645f, 167.81936f, 161.16948f}, 1e-4f);
}

TEST(KalmanBox, one_step_of_several_frames_is_as_many_steps_of_one) {
  KalmanBox steps({100, 50, 140, 150}), leap = steps;
  for (KalmanBox* motion : {&steps, &leap}) {
    motion->predict(1);
    motion->correct({110, 55, 150, 155});
    motion->stop_growing();
  }
  for (int i = 0; i < 7; ++i) steps.predict(1);
  leap.predict(7);
  expect_box(leap, steps.box(), 1e-4f);
  // What comes next shows the variances.
  for (KalmanBox* motion : {&steps, &leap}) motion->correct({190, 90, 240, 200});
  expect_box(leap, steps.box(), 1e-4f);
  for (KalmanBox* motion : {&steps, &leap}) motion->predict(3);
  expect_box(leap, steps.box(), 1e-3f);
}

TEST(KalmanBox, steps_of_less_than_a_frame_keep_it_stable) {
  KalmanBox motion({100, 50, 140, 150});
  for (int i = 0; i < 4000; ++i) {
    motion.predict(i % 3 == 0 ? 0.001 : 0.4);
    motion.correct({100, 50, 140, 150});
  }
  expect_box(motion, {100, 50, 140, 150}, 1e-3f);
}

}  // namespace
}  // namespace osprey::tracking
