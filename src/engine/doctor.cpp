// SPDX-License-Identifier: Apache-2.0
#include "engine/doctor.hpp"

#include <sys/resource.h>

#include <cstdio>
#include <filesystem>
#include <utility>

#include "board/machine.hpp"
#include "engine/doctor_sections.hpp"

namespace osprey::engine {

namespace {

std::string or_unknown(const std::string& text) {
  return text.empty() ? "not told" : text;
}

void examine_system(const board::System& system, Chart& chart) {
  chart.begin("System");
  if (!system.model.empty()) chart.ok("board", system.model);
  chart.ok("system", or_unknown(system.name) + ", Linux " + or_unknown(system.kernel));
  if (system.memory_kib) {
    char text[32];
    std::snprintf(text, sizeof text, "%.1f GB", static_cast<double>(*system.memory_kib) * 1024e-9);
    chart.ok("memory", text);
  }
}

/// Those that neural networks are faster with, as people call them.
std::string abilities(const board::Processor& processor) {
  static constexpr std::pair<const char*, const char*> kNames[] = {
      {"avx2", "AVX2"},          {"avx512f", "AVX-512"},     {"avx_vnni", "VNNI"},
      {"avx512_vnni", "VNNI"},   {"avx512_bf16", "BF16"},    {"amx_int8", "AMX INT8"},
      {"amx_bf16", "AMX BF16"},  {"asimdhp", "half floats"}, {"asimddp", "dot products"},
      {"i8mm", "INT8 matrices"}, {"bf16", "BF16"},           {"sve", "SVE"}};
  std::vector<std::string> found;
  for (const auto& [flag, name] : kNames) {
    if (processor.has(flag) && (found.empty() || found.back() != name)) found.emplace_back(name);
  }
  return found.empty() ? "none of those that neural networks are faster with" : joined(found);
}

void examine_processor(const board::KernelFiles& files, Chart& chart) {
  chart.begin("Processor");
  const auto processor = board::read_processor(files);
  if (processor.cores == 0) {
    chart.note("name", "not told: proc/cpuinfo is not there");
    return;
  }
  chart.ok("name", or_unknown(processor.name) + ", " + std::to_string(processor.cores) +
                       (processor.cores == 1 ? " core" : " cores"));
  chart.ok("abilities", abilities(processor));
  const bool vnni = processor.has("avx512_vnni") || processor.has("avx_vnni");
  if (processor.arm) {
    chart.note("INT8", "OpenVINO computes most INT8 models in floats on ARM: they gain little");
  } else if (!vnni) {
    chart.warn("INT8",
               "no VNNI: OpenVINO computes INT8 models more slowly, and wrongly where sums of "
               "signed activations overflow",
               "use f32 models here, or quantise with NNCF's overflow_fix; compare with the f32 "
               "model first");
  }
}

void examine_limits(Chart& chart) {
  constexpr rlim_t kEnough = 1024;
  chart.begin("Limits");
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  const auto text = files.rlim_cur == RLIM_INFINITY ? std::string("no limit")
                                                    : std::to_string(files.rlim_cur) + " at a time";
  if (files.rlim_cur >= kEnough) {
    chart.ok("open files", text);
  } else {
    chart.warn("open files", text + ": many cameras or pictures need more", "ulimit -n 4096");
  }
}

}  // namespace

const char* to_string(Mark mark) {
  switch (mark) {
    case Mark::kOk:
      return "ok";
    case Mark::kNote:
      return "note";
    case Mark::kWarn:
      return "warn";
    case Mark::kFail:
      return "fail";
  }
  return "";
}

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const auto& part : parts) text += (text.empty() ? "" : ", ") + part;
  return text;
}

std::string access_mend(const board::DeviceFile& device) {
  const auto node = std::filesystem::path(device.path).filename().string();
  if (device.group != "root") {
    return "sudo usermod -aG " + device.group + " $USER, then log in again";
  }
  return "as root: echo 'KERNEL==\"" + node +
         "\", GROUP=\"video\", MODE=\"0660\"' > /etc/udev/rules.d/99-" + node +
         ".rules; usermod -aG video USER; then restart";
}

std::vector<Finding> examine(const board::KernelFiles& files, const Examination& what) {
  Chart chart;
  const auto system = board::read_system(files);
  examine_system(system, chart);
  examine_processor(files, chart);
  examine_openvino(chart);
  examine_npu(files, system, what, chart);
  examine_clocks(files, chart);
  examine_heat(files, chart);
  examine_ffmpeg(files, system, chart);
  examine_limits(chart);
  return chart.take();
}

}  // namespace osprey::engine
