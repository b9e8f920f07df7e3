// SPDX-License-Identifier: Apache-2.0
#include "board/machine.hpp"

#include <fcntl.h>
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
#include <sstream>
#include <utility>

namespace osprey::board {

namespace {

/// The value behind "key: value" or "key=value" in a line of `text`, without quotes.
std::string value_of(const std::string& text, std::string_view key, char mark) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const auto at = line.find(mark);
    if (at == std::string::npos) continue;
    auto name = line.substr(0, at);
    name.erase(name.find_last_not_of(" \t") + 1);
    if (name != key) continue;
    auto value = line.substr(at + 1);
    value.erase(0, std::min(value.find_first_not_of(" \t\""), value.size()));
    value.erase(value.find_last_not_of(" \t\"") + 1);
    return value;
  }
  return {};
}

std::vector<std::string> words(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> found;
  for (std::string word; stream >> word;) found.push_back(word);
  return found;
}

/// ARM's own designs, by the part numbers of their identification registers.
std::string arm_core(const std::string& part) {
  constexpr std::array<std::pair<std::string_view, const char*>, 16> kCores = {
      {{"0xd03", "Cortex-A53"},
       {"0xd04", "Cortex-A35"},
       {"0xd05", "Cortex-A55"},
       {"0xd07", "Cortex-A57"},
       {"0xd08", "Cortex-A72"},
       {"0xd09", "Cortex-A73"},
       {"0xd0a", "Cortex-A75"},
       {"0xd0b", "Cortex-A76"},
       {"0xd0c", "Neoverse-N1"},
       {"0xd0d", "Cortex-A77"},
       {"0xd40", "Neoverse-V1"},
       {"0xd41", "Cortex-A78"},
       {"0xd42", "Cortex-A78AE"},
       {"0xd46", "Cortex-A510"},
       {"0xd49", "Neoverse-N2"},
       {"0xd4f", "Neoverse-V2"}}};
  for (const auto& [number, name] : kCores) {
    if (part == number) return name;
  }
  return "part " + part;
}

std::string arm_name(const std::string& cpuinfo) {
  std::map<std::string, int> counts;
  std::istringstream lines(cpuinfo);
  for (std::string line; std::getline(lines, line);) {
    const auto part = value_of(line, "CPU part", ':');
    if (!part.empty()) ++counts[part];
  }
  std::string name;
  for (const auto& [part, count] : counts) {
    name += (name.empty() ? "" : ", ") + std::to_string(count) + " x " + arm_core(part);
  }
  return name;
}

DeviceFile read_device_file(const KernelFiles& files, const std::string& path) {
  const auto place = (files.root() / path).string();
  DeviceFile device;
  device.path = "/" + path;
  const auto node = std::filesystem::path(path).filename().string();
  device.driver =
      value_of(files.text("sys/class/drm/" + node + "/device/uevent").value_or(""), "DRIVER", '=');
  struct stat status {};
  if (::stat(place.c_str(), &status) == 0) {
    std::array<char, 4096> room{};
    group entry{};
    group* found = nullptr;
    ::getgrgid_r(status.st_gid, &entry, room.data(), room.size(), &found);
    device.group = found == nullptr ? std::to_string(status.st_gid) : found->gr_name;
  }
  device.usable = ::faccessat(AT_FDCWD, place.c_str(), R_OK | W_OK, AT_EACCESS) == 0;
  return device;
}

}  // namespace

System read_system(const KernelFiles& files) {
  System system;
  system.name = value_of(files.text("etc/os-release").value_or(""), "PRETTY_NAME", '=');
  system.kernel = files.text("proc/sys/kernel/osrelease").value_or("");
  // The first is a link to the second that leads out of another root.
  for (const char* tree : {"proc/device-tree/", "sys/firmware/devicetree/base/"}) {
    if (system.model.empty()) system.model = files.text(tree + std::string("model")).value_or("");
    const auto chips = files.text(tree + std::string("compatible")).value_or("");
    system.rockchip = system.rockchip || chips.find("rockchip,rk") != std::string::npos;
  }
  const auto memory = value_of(files.text("proc/meminfo").value_or(""), "MemTotal", ':');
  if (!memory.empty()) system.memory_kib = std::atoll(memory.c_str());
  return system;
}

bool Processor::has(std::string_view flag) const {
  return std::find(flags.begin(), flags.end(), flag) != flags.end();
}

Processor read_processor(const KernelFiles& files) {
  const auto cpuinfo = files.text("proc/cpuinfo").value_or("");
  Processor processor;
  std::istringstream lines(cpuinfo);
  for (std::string line; std::getline(lines, line);) {
    if (!value_of(line, "processor", ':').empty()) ++processor.cores;
  }
  const auto features = value_of(cpuinfo, "Features", ':');
  processor.arm = !features.empty();
  processor.flags = words(processor.arm ? features : value_of(cpuinfo, "flags", ':'));
  processor.name = value_of(cpuinfo, "model name", ':');
  if (processor.arm) processor.name = arm_name(cpuinfo);
  return processor;
}

std::string read_npu_driver(const KernelFiles& files) {
  // The module's own file is for everybody, but not every kernel has it.
  for (const char* path : {"sys/module/rknpu/version", "sys/kernel/debug/rknpu/version",
                           "sys/kernel/debug/rknpu/driver_version", "proc/rknpu/version"}) {
    const auto text = files.text(path);
    const auto digits = text ? text->find_first_of("0123456789") : std::string::npos;
    if (digits != std::string::npos) return text->substr(digits);
  }
  return {};
}

bool DeviceFile::of_npu() const {
  return driver == "RKNPU" || driver == "rknpu" || path == "/dev/rknpu";
}

std::vector<DeviceFile> read_device_files(const KernelFiles& files) {
  std::vector<DeviceFile> devices;
  for (const char* pattern : {"dev/dri/renderD*", "dev/rknpu", "dev/accel/accel*",
                              "dev/mpp_service", "dev/dma_heap/system"}) {
    for (const auto& path : files.matches(pattern)) {
      devices.push_back(read_device_file(files, path));
    }
  }
  return devices;
}

}  // namespace osprey::board
