// SPDX-License-Identifier: Apache-2.0
// Whether one result is better than another, or only looks so: a paired bootstrap over pictures.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "evaluate/coco_match.hpp"

namespace osprey::evaluation {

struct BootstrapOptions {
  int samples = 1000;
  double confidence = 0.95;  ///< of the interval
  std::uint64_t seed = 1;
  int threads = 1;
  /// Called now and then, with the samples that are done, from any thread; false: stop.
  std::function<bool(int)> progress;
};

/// Of AP over IoU 0.50 .. 0.95.
struct Difference {
  double value = 0;                ///< of the second's to the first's, over all pictures
  double lowest = 0, highest = 0;  ///< that the samples give, at the confidence asked for
  bool shown() const { return lowest > 0 || highest < 0; }
};

/// Draws as many pictures as there are, with repetition, again and again, and has AP of both over
/// the same ones. Both are matches of the same labels. Cost: some ms a sample for 5,000 pictures.
/// Empty if it was stopped.
std::vector<Difference> compare(const GroundTruth& truth,
                                const std::vector<const Detections*>& found,
                                const std::vector<const std::vector<CategoryMatches>*>& matches,
                                const BootstrapOptions& options);

/// "B better by 0.012 [0.004, 0.021]", "no difference shown: 0.001 [-0.004, 0.006]".
std::string verdict(const Difference& difference, const std::string& first,
                    const std::string& second);

}  // namespace osprey::evaluation
