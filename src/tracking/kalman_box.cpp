// SPDX-License-Identifier: Apache-2.0
#include "tracking/kalman_box.hpp"

#include <cmath>

namespace osprey::tracking {

namespace {

// Standard deviations of SORT's model. A share of the height for places, absolute for the aspect.
constexpr double kPlace = 1.0 / 20, kSpeed = 1.0 / 160;
constexpr double kAspect = 1e-2, kAspectSpeed = 1e-5, kAspectSeen = 1e-1;

double squared(double value) {
  return value * value;
}

}  // namespace

KalmanBox::KalmanBox(const Box& box) {
  const double width = double{box.x2} - box.x1, height = double{box.y2} - box.y1;
  const auto begin = [&](Filter& filter, double value, double place, double speed) {
    filter.value = value;
    filter.value_variance = squared(place);
    filter.speed_variance = squared(speed);
  };
  const double place = 2 * kPlace * height, speed = 10 * kSpeed * height;
  begin(x_, box.x1 + width / 2, place, speed);
  begin(y_, box.y1 + height / 2, place, speed);
  begin(aspect_, width / height, kAspect, kAspectSpeed);
  begin(height_, height, place, speed);
}

void KalmanBox::Filter::predict(double frames, double value_noise, double speed_noise) {
  value += frames * speed;
  // Noise of speed in each frame moves the value in those that follow: sums over frames of 1, of
  // their number, and of its square.
  const double once = frames * (frames - 1) / 2;
  const double twice = once * (2 * frames - 1) / 3;
  value_variance += frames * (2 * covariance + frames * speed_variance) + frames * value_noise +
                    twice * speed_noise;
  covariance += frames * speed_variance + once * speed_noise;
  speed_variance += frames * speed_noise;
}

void KalmanBox::Filter::correct(double seen, double noise) {
  const double total = value_variance + noise;
  const double value_gain = value_variance / total, speed_gain = covariance / total;
  const double surprise = seen - value;
  value += value_gain * surprise;
  speed += speed_gain * surprise;
  speed_variance -= speed_gain * covariance;
  covariance -= value_gain * covariance;
  value_variance -= value_gain * value_variance;
}

void KalmanBox::predict(double frames) {
  const double place = squared(kPlace * height_.value), speed = squared(kSpeed * height_.value);
  x_.predict(frames, place, speed);
  y_.predict(frames, place, speed);
  aspect_.predict(frames, squared(kAspect), squared(kAspectSpeed));
  height_.predict(frames, place, speed);
}

void KalmanBox::correct(const Box& box) {
  const double width = double{box.x2} - box.x1, height = double{box.y2} - box.y1;
  const double noise = squared(kPlace * height_.value);
  x_.correct(box.x1 + width / 2, noise);
  y_.correct(box.y1 + height / 2, noise);
  aspect_.correct(width / height, squared(kAspectSeen));
  height_.correct(height, noise);
}

Box KalmanBox::box() const {
  const double height = height_.value, width = aspect_.value * height;
  return {static_cast<float>(x_.value - width / 2), static_cast<float>(y_.value - height / 2),
          static_cast<float>(x_.value + width / 2), static_cast<float>(y_.value + height / 2)};
}

}  // namespace osprey::tracking
