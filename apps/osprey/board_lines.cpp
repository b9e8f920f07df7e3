// SPDX-License-Identifier: Apache-2.0
#include "board_lines.hpp"

#include <algorithm>
#include <cmath>

#include "terminal.hpp"

namespace osprey::cli {

namespace {

/// Below this share of its time an NPU is not what a run waits for.
constexpr double kMatters = 50;

std::string range_text(const board::ClockRange& clock) {
  if (clock.lowest == clock.highest) return format("%d MHz", clock.lowest);
  return format("%d to %d MHz", clock.lowest, clock.highest);
}

std::string npu_line(const board::Observed& seen) {
  std::string text;
  for (const auto& core : seen.npu_load)
    text += format("%s%.0f", text.empty() ? "load " : " / ", core.mean);
  if (!text.empty()) text += " %";
  if (seen.npu_clock) text += (text.empty() ? "" : ", ") + range_text(*seen.npu_clock);
  if (text.empty()) return {};
  if (seen.hottest) text += format(", %.0f C at most", std::round(seen.hottest->celsius));
  return "npu       " + text + "\n";
}

/// Empty if the clock was as fast as the hardware lets it be.
std::string slow_clock(const char* of_what, const std::optional<board::ClockRange>& clock,
                       bool throttled) {
  if (!clock || clock->lowest >= clock->last.highest_mhz.value_or(0)) return {};
  const auto& last = clock->last;
  std::string mend;
  if (throttled) mend = "cool it";
  if (last.governor != "performance") {
    mend += (mend.empty() ? "" : ", or ") +
            format("set its governor to performance: echo performance > %s/%s", last.folder.c_str(),
                   last.governor_file.c_str());
  } else if (last.allowed_mhz.value_or(0) < *last.highest_mhz) {
    mend += (mend.empty() ? "" : ", or ") + format("allow it more: echo %d000000 > %s/max_freq",
                                                   *last.highest_mhz, last.folder.c_str());
  }
  if (mend.empty()) mend = "see osprey doctor";
  return format("warning   the %s ran at %d of %d MHz: %s\n", of_what, clock->lowest,
                *last.highest_mhz, mend.c_str());
}

}  // namespace

std::string board_lines(const board::Observed& seen) {
  const bool throttled = !seen.throttled.empty();
  auto text = npu_line(seen);
  auto warnings = slow_clock("NPU", seen.npu_clock, throttled);
  double busiest = 0;
  for (const auto& core : seen.npu_load) busiest = std::max(busiest, core.mean);
  if (busiest >= kMatters) warnings += slow_clock("memory", seen.memory_clock, throttled);
  if (throttled && warnings.empty()) {
    std::string names;
    for (const auto& name : seen.throttled) names += (names.empty() ? "" : ", ") + name;
    warnings = "warning   the machine slowed itself down for the heat (" + names + "): cool it\n";
  }
  return text + warnings;
}

}  // namespace osprey::cli
