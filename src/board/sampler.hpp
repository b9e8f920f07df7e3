// SPDX-License-Identifier: Apache-2.0
// The meters of a machine while a run goes on.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "board/meters.hpp"

namespace osprey::board {

/// A clock while the NPU was busy, in MHz.
struct ClockRange {
  ClockReading last;
  int lowest = 0;
  int highest = 0;
};

struct CoreLoad {
  double mean = 0;  ///< percent
  int most = 0;     ///< percent
};

/// What was seen; what no file tells is empty.
struct Observed {
  int samples = 0;
  std::vector<CoreLoad> npu_load;
  std::optional<ClockRange> npu_clock;
  std::optional<ClockRange> memory_clock;
  std::optional<Temperature> hottest;  ///< of the NPU's zone, or of all if it has none
  std::vector<std::string> throttled;  ///< whatever held a clock back for the heat, each once
};

/// Reads the meters as often as once a second: the NPU's driver counts over that time. Threads:
/// one. Cost: some tens of small files a sample.
class Sampler {
 public:
  explicit Sampler(KernelFiles files) : files_(std::move(files)) {}

  /// Takes a sample if a second has passed since the last one, or since the first call.
  void sample(base::Instant now);

  /// What was seen. A run of less than a second is measured now.
  Observed finish();

 private:
  void take();

  KernelFiles files_;
  std::optional<base::Instant> last_;
  std::vector<long> load_sums_;
  Observed seen_;
  std::vector<Temperature> zones_;  // the highest of each
};

}  // namespace osprey::board
