// SPDX-License-Identifier: Apache-2.0
// The file in which a board's driver tells how busy its cores are.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "sim/rk3588/cores.hpp"

namespace osprey::sim {

/// Writes it twice a second, in the words of /sys/kernel/debug/rknpu/load, from a thread of its
/// own. Threads: one owner.
class LoadFile {
 public:
  /// `cores` outlives it.
  LoadFile(std::string path, Cores& cores);
  ~LoadFile();
  LoadFile(const LoadFile&) = delete;
  LoadFile& operator=(const LoadFile&) = delete;

 private:
  void serve();
  void write();

  std::string path_;
  Cores& cores_;
  std::mutex mutex_;
  std::condition_variable wakes_;
  bool ends_ = false;
  std::thread thread_;
};

}  // namespace osprey::sim
