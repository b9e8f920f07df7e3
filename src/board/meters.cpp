// SPDX-License-Identifier: Apache-2.0
#include "board/meters.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <sstream>

namespace osprey::board {

namespace {

// The second is there in kernels that are built to tell everybody.
constexpr std::array kLoadFiles = {"sys/kernel/debug/rknpu/load", "proc/rknpu/load"};

std::optional<int> mhz(std::optional<std::int64_t> value, std::int64_t per_mhz) {
  // Some drivers say 0 for a limit that they do not have.
  if (!value || *value <= 0) return std::nullopt;
  return static_cast<int>(*value / per_mhz);
}

std::vector<std::string> words(const std::optional<std::string>& text) {
  std::istringstream stream(text.value_or(""));
  std::vector<std::string> found;
  for (std::string word; stream >> word;) found.push_back(word);
  return found;
}

ClockReading read_devfreq(const KernelFiles& files, const std::string& folder) {
  constexpr std::int64_t kHertz = 1'000'000;
  ClockReading clock;
  clock.folder = "/" + folder;
  clock.governor_file = "governor";
  clock.governor = files.text(folder + "/governor").value_or("");
  clock.choices = words(files.text(folder + "/available_governors"));
  clock.mhz = mhz(files.number(folder + "/cur_freq"), kHertz);
  clock.allowed_mhz = mhz(files.number(folder + "/max_freq"), kHertz);
  clock.highest_mhz = clock.allowed_mhz;
  for (const auto& word : words(files.text(folder + "/available_frequencies"))) {
    std::int64_t hertz = 0;
    std::from_chars(word.data(), word.data() + word.size(), hertz);
    clock.highest_mhz = std::max(clock.highest_mhz.value_or(0), static_cast<int>(hertz / kHertz));
  }
  return clock;
}

std::optional<ClockReading> first_devfreq(const KernelFiles& files, const std::string& pattern) {
  const auto folders = files.matches("sys/class/devfreq/" + pattern);
  if (folders.empty()) return std::nullopt;
  return read_devfreq(files, folders.front());
}

}  // namespace

std::vector<int> parse_npu_load(std::string_view text) {
  constexpr std::string_view kTitle = "NPU load:";
  if (!text.starts_with(kTitle)) return {};
  text.remove_prefix(kTitle.size());
  std::vector<int> load;
  // Every number that a percent sign follows: names of cores have numbers too.
  while (!text.empty()) {
    int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const auto length = static_cast<std::size_t>(end - text.data());
    if (error == std::errc() && text.substr(length).starts_with('%') && value >= 0) {
      load.push_back(value);
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return load;
}

std::vector<int> read_npu_load(const KernelFiles& files) {
  for (const char* path : kLoadFiles) {
    auto load = parse_npu_load(files.text(path).value_or(""));
    if (!load.empty()) return load;
  }
  return {};
}

bool npu_load_refused(const KernelFiles& files) {
  return read_npu_load(files).empty() && files.refused(kLoadFiles[0]);
}

std::optional<ClockReading> read_npu_clock(const KernelFiles& files) {
  return first_devfreq(files, "*npu*");
}

std::optional<ClockReading> read_memory_clock(const KernelFiles& files) {
  return first_devfreq(files, "*dmc*");
}

std::vector<ClockReading> read_processor_clocks(const KernelFiles& files) {
  constexpr std::int64_t kKilohertz = 1'000;
  std::vector<ClockReading> clocks;
  for (const auto& folder : files.matches("sys/devices/system/cpu/cpufreq/policy*")) {
    auto& clock = clocks.emplace_back();
    clock.folder = "/" + folder;
    clock.governor_file = "scaling_governor";
    clock.governor = files.text(folder + "/scaling_governor").value_or("");
    clock.choices = words(files.text(folder + "/scaling_available_governors"));
    clock.driver = files.text(folder + "/scaling_driver").value_or("");
    clock.mhz = mhz(files.number(folder + "/scaling_cur_freq"), kKilohertz);
    clock.allowed_mhz = mhz(files.number(folder + "/scaling_max_freq"), kKilohertz);
    clock.highest_mhz = mhz(files.number(folder + "/cpuinfo_max_freq"), kKilohertz);
  }
  return clocks;
}

std::vector<Temperature> read_temperatures(const KernelFiles& files) {
  std::vector<Temperature> temperatures;
  for (const auto& folder : files.matches("sys/class/thermal/thermal_zone*")) {
    const auto millidegrees = files.number(folder + "/temp");
    if (!millidegrees) continue;
    temperatures.push_back(
        {files.text(folder + "/type").value_or(folder), static_cast<double>(*millidegrees) / 1000});
  }
  return temperatures;
}

std::vector<std::string> read_throttling(const KernelFiles& files) {
  // Kernels before 5.12 number the clocks, later ones name them; ACPI calls its own "Processor".
  constexpr std::array kClocks = {"thermal-cpufreq", "cpufreq", "thermal-devfreq", "devfreq",
                                  "Processor"};
  std::vector<std::string> found;
  for (const auto& folder : files.matches("sys/class/thermal/cooling_device*")) {
    const auto type = files.text(folder + "/type").value_or("");
    const bool is_clock = std::any_of(kClocks.begin(), kClocks.end(),
                                      [&](const char* name) { return type.starts_with(name); });
    if (is_clock && files.number(folder + "/cur_state").value_or(0) > 0) found.push_back(type);
  }
  return found;
}

}  // namespace osprey::board
