// SPDX-License-Identifier: Apache-2.0
// What a machine is: board, system, processor, the NPU's driver, device files.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "board/kernel_files.hpp"

namespace osprey::board {

/// Texts are empty where no file tells.
struct System {
  std::string name;    ///< "Debian GNU/Linux 12 (bookworm)"
  std::string kernel;  ///< "6.1.115-vendor-rk35xx"
  std::string model;   ///< of the board, from its device tree: "Radxa ROCK 5B"
  bool rockchip = false;
  std::optional<std::int64_t> memory_kib;
};

System read_system(const KernelFiles& files);

struct Processor {
  std::string name;  ///< "AMD EPYC 9B14", "4 x Cortex-A55, 4 x Cortex-A76"; or empty
  int cores = 0;     ///< that run now; 0: not told
  bool arm = false;
  std::vector<std::string> flags;  ///< as the kernel calls them: "avx2", "asimddp"

  bool has(std::string_view flag) const;
};

Processor read_processor(const KernelFiles& files);

/// Of Rockchip's driver: "0.9.8"; empty if there is none, or if only root may know.
std::string read_npu_driver(const KernelFiles& files);

struct DeviceFile {
  std::string path;     ///< "/dev/dri/renderD129", without the root
  std::string driver;   ///< of a render node: "RKNPU", "panthor"; or empty
  std::string group;    ///< whose members may open it; its number if it has no name
  bool usable = false;  ///< this user may read and write it

  bool of_npu() const;
};

/// Of the NPU, the video decoders and what both take memory from; those that exist.
std::vector<DeviceFile> read_device_files(const KernelFiles& files);

}  // namespace osprey::board
