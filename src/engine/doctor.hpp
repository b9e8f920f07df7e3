// SPDX-License-Identifier: Apache-2.0
// What a machine can run, what is wrong with it and how to mend that.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "board/kernel_files.hpp"

namespace osprey::engine {

enum class Mark : std::uint8_t {
  kOk,
  kNote,  ///< worth knowing
  kWarn,  ///< something is slower, or wrong for some models
  kFail,  ///< what was asked for does not work
};

/// "ok", "note", "warn", "fail".
const char* to_string(Mark mark);

struct Finding {
  std::string section;  ///< "NPU"
  std::string subject;  ///< "driver"
  Mark mark = Mark::kOk;
  std::string text;
  std::string mend;  ///< what to do about it, never empty for kWarn and kFail
};

struct Examination {
  std::string rknn_library = "librknnrt.so";
  bool needs_rknn = false;  ///< that the library cannot be used is a failure
};

/// Findings section by section. Cost: loads OpenVINO's plugins and Rockchip's runtime, if it is
/// there; a second or so. The kernel's files are `files`; libraries are this process's.
std::vector<Finding> examine(const board::KernelFiles& files, const Examination& what);

}  // namespace osprey::engine
