// SPDX-License-Identifier: Apache-2.0
#include "terminal.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdarg>
#include <cstdio>

namespace osprey::cli {

namespace {

constexpr int kBarCells = 24;
constexpr auto kBetweenLines = std::chrono::seconds(10);

std::string bar(double fraction) {
  const int full = static_cast<int>(std::lround(std::clamp(fraction, 0.0, 1.0) * kBarCells));
  std::string text = "[";
  for (int i = 0; i < kBarCells; ++i) text += i < full ? '#' : '.';
  return text + "] " + format("%3.0f %%", 100 * std::clamp(fraction, 0.0, 1.0));
}

std::size_t terminal_width() {
  winsize size{};
  const bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : 80;
}

}  // namespace

ProgressLine::ProgressLine(bool quiet) : quiet_(quiet), terminal_(isatty(STDERR_FILENO) == 1) {}

std::chrono::milliseconds ProgressLine::interval() const {
  return std::chrono::milliseconds(terminal_ ? 200 : 1000);
}

void ProgressLine::update(std::optional<double> fraction, const std::string& text) {
  if (quiet_) return;
  const auto now = std::chrono::steady_clock::now();
  if (!terminal_ && now - printed_ < kBetweenLines) return;
  printed_ = now;
  std::string line = (fraction ? bar(*fraction) + "  " : std::string()) + text;
  if (!terminal_) {
    std::fprintf(stderr, "%s\n", line.c_str());
    return;
  }
  line.resize(std::min(line.size(), terminal_width() - 1));
  const auto width = line.size();
  if (width < drawn_) line.append(drawn_ - width, ' ');
  drawn_ = width;
  std::fprintf(stderr, "\r%s", line.c_str());
  std::fflush(stderr);
}

void ProgressLine::clear() {
  if (drawn_ == 0) return;
  std::fprintf(stderr, "\r%s\r", std::string(drawn_, ' ').c_str());
  std::fflush(stderr);
  drawn_ = 0;
}

std::string clock_text(double seconds) {
  const auto whole = std::llround(std::clamp(seconds, 0.0, 359'999.0));
  const auto minutes = whole / 60 % 60;
  if (whole < 3600) return format("%lld:%02lld", minutes, whole % 60);
  return format("%lld:%02lld:%02lld", whole / 3600, minutes, whole % 60);
}

std::string format(const char* pattern, ...) {
  std::va_list arguments, again;
  va_start(arguments, pattern);
  va_copy(again, arguments);
  const int size = std::vsnprintf(nullptr, 0, pattern, arguments);
  va_end(arguments);
  std::string text(static_cast<std::size_t>(std::max(size, 0)), '\0');
  std::vsnprintf(text.data(), text.size() + 1, pattern, again);
  va_end(again);
  return text;
}

}  // namespace osprey::cli
