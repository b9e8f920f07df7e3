// SPDX-License-Identifier: Apache-2.0
// What a machine's meters show at this moment: load of the NPU's cores, clocks, temperatures.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "board/kernel_files.hpp"

namespace osprey::board {

/// Percent of the past second that each core of the NPU was busy, as the driver's file says it
/// ("NPU load:  Core0: 40%, Core1:  0%, Core2: 18%," or "NPU load:  37%"); empty if it is no such
/// text. A driver whose NPU is stuck has been seen to say 429496.
std::vector<int> parse_npu_load(std::string_view text);

/// Load of each core, from 0 up; empty where no file tells. Without root most kernels do not.
std::vector<int> read_npu_load(const KernelFiles& files);

/// True if only root may read the load.
bool npu_load_refused(const KernelFiles& files);

/// A clock that the kernel sets, in MHz; what it does not tell is absent.
struct ClockReading {
  std::string folder;                ///< "/sys/class/devfreq/fdab0000.npu", without the root
  std::string governor_file;         ///< in that folder
  std::string governor;              ///< "performance", "rknpu_ondemand", ...; or empty
  std::vector<std::string> choices;  ///< governors
  std::string driver;                ///< of a processor's clock: "cpufreq-dt", "intel_pstate", ...
  std::optional<int> mhz;
  std::optional<int> allowed_mhz;  ///< at most, as somebody or the heat has it
  std::optional<int> highest_mhz;  ///< that the hardware has
};

std::optional<ClockReading> read_npu_clock(const KernelFiles& files);

/// The memory's, where the kernel changes it (Rockchip's "dmc").
std::optional<ClockReading> read_memory_clock(const KernelFiles& files);

/// Of each group of processor cores that share a clock.
std::vector<ClockReading> read_processor_clocks(const KernelFiles& files);

struct Temperature {
  std::string zone;  ///< "npu-thermal"
  double celsius = 0;
};

std::vector<Temperature> read_temperatures(const KernelFiles& files);

/// What holds a clock back for the heat now: "cpufreq-cpu4", "devfreq-fdab0000.npu". Fans are
/// no such thing.
std::vector<std::string> read_throttling(const KernelFiles& files);

}  // namespace osprey::board
