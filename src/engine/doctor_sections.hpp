// SPDX-License-Identifier: Apache-2.0
// The doctor's sections, each in order of what people look for first.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "board/kernel_files.hpp"
#include "board/machine.hpp"
#include "engine/doctor.hpp"

namespace osprey::engine {

/// Collects findings.
class Chart {
 public:
  void begin(std::string section) { section_ = std::move(section); }

  void ok(const std::string& subject, const std::string& text) {
    add(subject, Mark::kOk, text, "");
  }
  void note(const std::string& subject, const std::string& text, const std::string& mend = "") {
    add(subject, Mark::kNote, text, mend);
  }
  void warn(const std::string& subject, const std::string& text, const std::string& mend) {
    add(subject, Mark::kWarn, text, mend);
  }
  void fail(const std::string& subject, const std::string& text, const std::string& mend) {
    add(subject, Mark::kFail, text, mend);
  }

  std::vector<Finding> take() { return std::move(findings_); }

 private:
  void add(const std::string& subject, Mark mark, const std::string& text,
           const std::string& mend) {
    findings_.push_back({section_, subject, mark, text, mend});
  }

  std::string section_;
  std::vector<Finding> findings_;
};

void examine_npu(const board::KernelFiles& files, const board::System& system,
                 const Examination& what, Chart& chart);
void examine_clocks(const board::KernelFiles& files, Chart& chart);
void examine_heat(const board::KernelFiles& files, Chart& chart);
void examine_openvino(Chart& chart);
void examine_ffmpeg(const board::KernelFiles& files, const board::System& system, Chart& chart);

/// "a, b, c".
std::string joined(const std::vector<std::string>& parts);

/// How a user comes to be allowed to open `device`.
std::string access_mend(const board::DeviceFile& device);

}  // namespace osprey::engine
