// SPDX-License-Identifier: Apache-2.0
// Progress on a terminal, or as plain lines elsewhere; and numbers as people read them.
#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace osprey::cli {

/// A line on standard error that is drawn over itself on a terminal, and printed every ten seconds
/// otherwise.
class ProgressLine {
 public:
  explicit ProgressLine(bool quiet);

  /// How often to call update(): more often than it prints, where it prints lines.
  std::chrono::milliseconds interval() const;

  /// `fraction` 0..1, or nothing where the end is unknown.
  void update(std::optional<double> fraction, const std::string& text);

  /// Clears the line, so that other text can follow.
  void clear();

 private:
  bool quiet_;
  bool terminal_;
  std::size_t drawn_ = 0;
  std::chrono::steady_clock::time_point printed_ = std::chrono::steady_clock::now();
};

/// "1:05", "1:02:03".
std::string clock_text(double seconds);

/// `printf` into a string.
[[gnu::format(printf, 1, 2)]] std::string format(const char* pattern, ...);

}  // namespace osprey::cli
