// SPDX-License-Identifier: Apache-2.0
// The files in which a Linux kernel tells about its machine, below a folder that stands for "/".
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace osprey::board {

/// Paths are relative to the root: "sys/class/thermal". Every file may be absent or refused: no
/// machine has all of them. Constant; threads may share it. Cost: a system call or three a file.
class KernelFiles {
 public:
  explicit KernelFiles(std::filesystem::path root) : root_(std::move(root)) {}

  /// Those of this machine; below OSPREY_SYSTEM_ROOT if the environment names a folder there.
  static KernelFiles of_this_machine();

  const std::filesystem::path& root() const { return root_; }

  /// What a file says, without the line ends, spaces and zero bytes behind it; nothing if it is
  /// absent, empty or cannot be read.
  std::optional<std::string> text(const std::string& path) const;

  /// The whole number a file begins with.
  std::optional<std::int64_t> number(const std::string& path) const;

  bool exists(const std::string& path) const;

  /// True if the file, or the folder it would be in, may not be read by this user.
  bool refused(const std::string& path) const;

  /// Paths that match, by number: 2 before 10. Only the last part may have wildcards.
  std::vector<std::string> matches(const std::string& pattern) const;

 private:
  std::filesystem::path root_;
};

}  // namespace osprey::board
