// SPDX-License-Identifier: Apache-2.0
#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <string_view>

#include "base/read_file.hpp"
#include "board/meters.hpp"
#include "engine/doctor_sections.hpp"
#include "runtime/rknn/rknn_library.hpp"

namespace osprey::engine {

namespace {

constexpr const char* kVendorKernel =
    "boot a kernel of the board's maker or Armbian's vendor kernel, with the NPU enabled: "
    "docs/board.md";

/// The file that a function of an open library is in.
std::string file_of(const runtime::RknnLibrary& library) {
  Dl_info info{};
  const bool known = dladdr(reinterpret_cast<const void*>(library.init), &info) != 0;
  return known && info.dli_fname != nullptr ? info.dli_fname : "";
}

/// What the library says of itself; asked properly it tells only who has a model loaded.
std::string version_in(const std::string& file) {
  const auto bytes = base::read_file(file, "a library");
  if (!bytes) return {};
  if (bytes->find("virtual RK3588 of Osprey") != std::string::npos) return "a virtual RK3588";
  constexpr std::string_view kTitle = "librknnrt version: ";
  constexpr std::size_t kLongest = 80;
  const auto at = bytes->find(kTitle);
  if (at == std::string::npos) return {};
  std::string version;
  for (const char c : bytes->substr(at + kTitle.size(), kLongest)) {
    if (c < ' ' || c > '~') break;
    version += c;
  }
  return version.empty() ? version : "version " + version;
}

void examine_library(const board::System& system, const Examination& what, Chart& chart) {
  const auto library = runtime::RknnLibrary::open(what.rknn_library);
  constexpr const char* kGet =
      "put librknnrt.so from github.com/airockchip/rknn-toolkit2 (rknpu2/runtime/Linux) into "
      "/usr/lib: docs/board.md";
  if (library) {
    const auto file = file_of(*library);
    const auto version = version_in(file);
    chart.ok("runtime",
             file + ", " + (version.empty() ? "which does not tell its version" : version));
  } else if (what.needs_rknn) {
    chart.fail("runtime", library.error().message, kGet);
  } else if (system.rockchip) {
    chart.warn("runtime", library.error().message, kGet);
  }
}

std::array<int, 3> version_numbers(const std::string& version) {
  std::array<int, 3> numbers{};
  std::sscanf(version.c_str(), "%d.%d.%d", &numbers[0], &numbers[1], &numbers[2]);
  return numbers;
}

void examine_driver(const board::KernelFiles& files, Chart& chart) {
  const auto version = board::read_npu_driver(files);
  if (!version.empty()) {
    constexpr std::array kLeast = {0, 9, 2}, kGood = {0, 9, 6};
    const auto numbers = version_numbers(version);
    const auto text = "rknpu " + version;
    if (numbers < kLeast) {
      chart.warn("driver", text + ": Rockchip asks for 0.9.2 or newer", kVendorKernel);
    } else if (numbers < kGood) {
      chart.note("driver", text + ": boards have failed with it that run with 0.9.6 or newer",
                 "if models fail to run: a newer kernel of the board's maker");
    } else {
      chart.ok("driver", text);
    }
  } else if (board::npu_load_refused(files)) {
    chart.note("driver", "only root may read its version", "sudo osprey doctor");
  } else if (!files.matches("dev/accel/accel*").empty()) {
    chart.warn("driver", "the mainline kernel's (rocket), which Rockchip's runtime cannot use",
               kVendorKernel);
  } else {
    chart.warn("driver", "none (rknpu)", kVendorKernel);
  }
}

void examine_load(const board::KernelFiles& files, Chart& chart) {
  constexpr int kImpossible = 200;
  if (board::npu_load_refused(files)) {
    chart.note("load", "only root may read it: summaries of runs go without",
               "sudo mount -o remount,mode=755 /sys/kernel/debug");
    return;
  }
  const auto load = board::read_npu_load(files);
  if (load.empty()) return;
  std::string text;
  for (const int percent : load) text += (text.empty() ? "" : " / ") + std::to_string(percent);
  text += " %";
  if (*std::max_element(load.begin(), load.end()) > kImpossible) {
    chart.warn("load", text + ": a core is stuck in a failed job", "restart the board");
  } else {
    chart.ok("load", text);
  }
}

void examine_devices(const board::KernelFiles& files, Chart& chart) {
  auto devices = board::read_device_files(files);
  const bool known = std::any_of(devices.begin(), devices.end(),
                                 [](const auto& device) { return device.of_npu(); });
  bool any = false;
  for (const auto& device : devices) {
    // Where no driver's name is told, the NPU is behind one of the render nodes.
    const bool perhaps = !known && device.driver.empty() && device.path.starts_with("/dev/dri/");
    if (!device.of_npu() && !perhaps) continue;
    any = true;
    if (device.usable) {
      chart.ok("device", device.path + ", open to this user");
    } else {
      chart.warn("device", device.path + " may not be opened by this user", access_mend(device));
    }
  }
  if (!any)
    chart.warn("device", "neither /dev/dri/renderD* nor /dev/rknpu is the NPU's", kVendorKernel);
}

std::string told(const board::ClockReading& clock) {
  std::string text = clock.mhz ? std::to_string(*clock.mhz) : "?";
  if (clock.highest_mhz) text += " of " + std::to_string(*clock.highest_mhz);
  text += " MHz";
  return clock.governor.empty() ? text : text + ", governor " + clock.governor;
}

std::string faster(const board::ClockReading& clock) {
  const auto folder = clock.folder + "/";
  return "as root: echo performance > " + folder + clock.governor_file;
}

void examine_clock(const char* subject, const std::optional<board::ClockReading>& clock,
                   Chart& chart) {
  if (!clock) return;
  const auto highest = clock->highest_mhz.value_or(0);
  if (clock->allowed_mhz.value_or(highest) < highest) {
    chart.warn(subject, told(*clock) + ", held at " + std::to_string(*clock->allowed_mhz) + " MHz",
               "cool the board; or as root: echo " + std::to_string(highest) + "000000 > " +
                   clock->folder + "/max_freq");
  } else if (clock->governor != "performance" && clock->mhz.value_or(0) < highest) {
    chart.warn(subject, told(*clock) + ": may stay slow in a run", faster(*clock));
  } else {
    chart.ok(subject, told(*clock));
  }
}

}  // namespace

void examine_npu(const board::KernelFiles& files, const board::System& system,
                 const Examination& what, Chart& chart) {
  chart.begin("NPU");
  examine_library(system, what, chart);
  const auto devices = board::read_device_files(files);
  const bool here = system.rockchip || board::read_npu_clock(files) ||
                    std::any_of(devices.begin(), devices.end(),
                                [](const auto& device) { return device.of_npu(); });
  if (!here) {
    chart.note("board", "none of Rockchip's: .rknn models run on a virtual one, docs/rk3588.md");
    return;
  }
  examine_driver(files, chart);
  examine_devices(files, chart);
  examine_load(files, chart);
}

void examine_clocks(const board::KernelFiles& files, Chart& chart) {
  chart.begin("Clocks");
  examine_clock("NPU", board::read_npu_clock(files), chart);
  examine_clock("memory", board::read_memory_clock(files), chart);
  for (const auto& clock : board::read_processor_clocks(files)) {
    const auto subject = clock.folder.substr(clock.folder.rfind('/') + 1);
    // These drivers leave the choice to the processor, whatever the governor is called.
    const bool own_choice =
        clock.driver.starts_with("intel_pstate") || clock.driver.starts_with("amd-pstate");
    if (clock.governor == "powersave" && !own_choice) {
      chart.warn(subject, told(clock) + ": stays at its lowest", faster(clock));
    } else if (clock.governor == "performance" || clock.governor.empty() || own_choice) {
      chart.ok(subject, told(clock));
    } else {
      chart.note(subject, told(clock) + ": rises with some delay", faster(clock));
    }
  }
}

void examine_heat(const board::KernelFiles& files, Chart& chart) {
  constexpr double kHot = 80;
  const auto temperatures = board::read_temperatures(files);
  const auto throttled = board::read_throttling(files);
  chart.begin("Heat");
  std::vector<std::string> texts;
  double hottest = 0;
  for (const auto& [zone, celsius] : temperatures) {
    const auto end = zone.find("-thermal");
    texts.push_back(zone.substr(0, end) + " " + std::to_string(std::lround(celsius)));
    hottest = std::max(hottest, celsius);
  }
  if (hottest >= kHot) {
    chart.warn("celsius", joined(texts), "cool it: clocks are lowered at about 85");
  } else if (!texts.empty()) {
    chart.ok("celsius", joined(texts));
  }
  if (!throttled.empty()) {
    chart.warn("throttled", "held back for the heat now: " + joined(throttled),
               "a larger heat sink or a fan");
  }
}

}  // namespace osprey::engine
