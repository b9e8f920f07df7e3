// SPDX-License-Identifier: Apache-2.0
// Where a box is and how it moves, from noisy sightings: the Kalman filter of SORT and ByteTrack.
#pragma once

#include <osprey/detection.hpp>

#include <array>

namespace osprey::tracking {

/// Centre, width over height, and height, each with a constant speed. Noise is a share of the
/// height, and nothing couples the four: each is a filter of two numbers of its own. Time is
/// counted in frames.
class KalmanBox {
 public:
  /// `box`: finite, with an area.
  explicit KalmanBox(const Box& box);

  /// Whole numbers of `frames` give exactly what so many single ones give, as long as the height
  /// does not change. `frames` > 0.
  void predict(double frames);
  void correct(const Box& box);
  /// What nobody sees keeps its height.
  void stop_growing() { height_.speed = 0; }

  Box box() const;

 private:
  struct Filter {
    double value = 0, speed = 0;
    double value_variance = 0, covariance = 0, speed_variance = 0;

    void predict(double frames, double value_noise, double speed_noise);
    void correct(double seen, double noise);
  };

  Filter x_, y_, aspect_, height_;
};

}  // namespace osprey::tracking
