// SPDX-License-Identifier: Apache-2.0
// For tests: the kernel files of a ROCK 5B (RK3588), as Rockchip's 6.1 kernel writes them.
#pragma once

#include <filesystem>
#include <string>

#include "base/file_testing.hpp"
#include "board/kernel_files.hpp"

namespace osprey::board {

/// A root of its own, with or without an RK3588's files in it.
class FakeRoot {
 public:
  void write(const std::string& path, const std::string& text) {
    const auto place = folder_.path() / path;
    std::filesystem::create_directories(place.parent_path());
    base::write_text(place.string(), text);
  }

  void write_rk3588() {
    using namespace std::string_literals;
    write("proc/device-tree/model", "Radxa ROCK 5B\0"s);
    write("proc/device-tree/compatible", "radxa,rock-5b\0rockchip,rk3588\0"s);
    write("proc/sys/kernel/osrelease", "6.1.115-vendor-rk35xx\n");
    write("proc/meminfo", "MemTotal:        8127460 kB\nMemFree:         5127460 kB\n");
    write("etc/os-release", "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian\"\n");
    std::string cpuinfo;
    for (int core = 0; core < 8; ++core) {
      cpuinfo += "processor\t: " + std::to_string(core) +
                 "\nBogoMIPS\t: 48.00\nFeatures\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 "
                 "atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp\nCPU implementer\t: "
                 "0x41\nCPU architecture: 8\nCPU part\t: " +
                 (core < 4 ? "0xd05" : "0xd0b") + "\nCPU revision\t: 0\n\n";
    }
    write("proc/cpuinfo", cpuinfo);
    write("sys/kernel/debug/rknpu/version", "RKNPU driver: v0.9.8\n");
    write_load("NPU load:  Core0: 40%, Core1:  0%, Core2: 18%,\n");
    write("sys/class/devfreq/fdab0000.npu/governor", "rknpu_ondemand\n");
    write("sys/class/devfreq/fdab0000.npu/available_governors",
          "rknpu_ondemand dmc_ondemand userspace powersave performance simple_ondemand\n");
    write("sys/class/devfreq/fdab0000.npu/available_frequencies",
          "300000000 400000000 500000000 600000000 700000000 800000000 900000000 1000000000\n");
    write("sys/class/devfreq/fdab0000.npu/min_freq", "300000000\n");
    write("sys/class/devfreq/fdab0000.npu/max_freq", "1000000000\n");
    write_npu_clock(1'000'000'000);
    write("sys/class/devfreq/dmc/governor", "dmc_ondemand\n");
    write("sys/class/devfreq/dmc/available_frequencies",
          "528000000 1068000000 1560000000 2112000000\n");
    write("sys/class/devfreq/dmc/cur_freq", "2112000000\n");
    write("sys/class/devfreq/dmc/max_freq", "2112000000\n");
    write_policy("policy0", "1800000", "1800000");
    write_policy("policy4", "408000", "2256000");
    write_zone(0, "soc-thermal", "47153\n");
    write_zone(1, "bigcore0-thermal", "48076\n");
    write_zone(6, "npu-thermal", "46230\n");
    write_cooling(0, "cpufreq-cpu0", "0\n");
    write_cooling(3, "devfreq-fdab0000.npu", "0\n");
    write_cooling(4, "pwm-fan", "2\n");
    write("dev/dri/renderD128", "");
    write("sys/class/drm/renderD128/device/uevent", "DRIVER=mali\nOF_NAME=gpu\n");
    write("dev/dri/renderD129", "");
    write("sys/class/drm/renderD129/device/uevent", "DRIVER=RKNPU\nOF_NAME=npu\n");
  }

  void write_load(const std::string& text) { write("sys/kernel/debug/rknpu/load", text); }
  void write_npu_clock(long hertz) {
    write("sys/class/devfreq/fdab0000.npu/cur_freq", std::to_string(hertz) + "\n");
  }
  void write_zone(int number, const std::string& type, const std::string& millidegrees) {
    const auto zone = "sys/class/thermal/thermal_zone" + std::to_string(number);
    write(zone + "/type", type + "\n");
    write(zone + "/temp", millidegrees);
  }
  void write_cooling(int number, const std::string& type, const std::string& state) {
    const auto device = "sys/class/thermal/cooling_device" + std::to_string(number);
    write(device + "/type", type + "\n");
    write(device + "/cur_state", state);
  }
  void write_policy(const std::string& name, const std::string& now, const std::string& most) {
    const auto policy = "sys/devices/system/cpu/cpufreq/" + name;
    write(policy + "/scaling_cur_freq", now + "\n");
    write(policy + "/scaling_max_freq", most + "\n");
    write(policy + "/cpuinfo_max_freq", most + "\n");
    write(policy + "/scaling_governor", "ondemand\n");
    write(policy + "/scaling_driver", "cpufreq-dt\n");
  }

  const std::filesystem::path& path() const { return folder_.path(); }
  KernelFiles files() const { return KernelFiles(folder_.path()); }

 private:
  base::TemporaryFolder folder_;
};

}  // namespace osprey::board
