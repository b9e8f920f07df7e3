// SPDX-License-Identifier: Apache-2.0
// From values seen to 256 steps.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "quantize/histogram.hpp"

namespace osprey::quantize {

/// RKNN's names, and the percentile that others have.
enum class Algorithm : std::uint8_t {
  kNormal,        ///< from the lowest to the highest value
  kMmse,          ///< with the least mean squared error
  kKlDivergence,  ///< that which changes the distribution least
  kPercentile,    ///< so many percent of the values
};

struct Range {
  double low = 0, high = 0;  ///< low <= 0 <= high
};

/// A value is (step - zero_point) * scale; steps are 0..255.
struct Scale {
  float scale = 1;
  std::uint8_t zero_point = 0;
  std::vector<float> channels{};  ///< if any: in place of `scale`, one for each
};

/// The range that `algorithm` takes from what was seen; {0, 0} of nothing. `percentile` is that of
/// kPercentile, 50..100: as many values are left out below as above. Cost: kMmse and kKlDivergence
/// try a hundred ranges or more on the histogram, some ms.
Range choose_range(const Histogram& seen, Algorithm algorithm, double percentile);

/// 256 steps of which one is 0. A range of nothing gets the scale 1.
Scale scale_of(const Range& range);

/// A scale for each channel, of one zero point: what runtimes are fast with. Lowest and highest
/// values are by channel.
Scale scale_by_channel(std::span<const float> lowest, std::span<const float> highest);

/// The error of rounding to these steps, over what was seen: its mean square, and the share of
/// values beyond the first and last step. Of a scale by channel that is the error of a value
/// anywhere within a step, and none is beyond.
struct RoundingError {
  double mean_square = 0;
  double clipped = 0;
  double signal = 0;  ///< the mean square of the values
  double cosine = 1;  ///< of the values and what they are rounded to
};
RoundingError error_of(const Histogram& seen, const Scale& scale);

}  // namespace osprey::quantize
