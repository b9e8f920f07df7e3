// SPDX-License-Identifier: Apache-2.0
#include "sim/rk3588/load_file.hpp"

#include <pthread.h>

#include <cmath>
#include <cstdio>
#include <fstream>

namespace osprey::sim {

LoadFile::LoadFile(std::string path, Cores& cores) : path_(std::move(path)), cores_(cores) {
  write();
  thread_ = std::thread([this] { serve(); });
  pthread_setname_np(thread_.native_handle(), "sim-load");
}

LoadFile::~LoadFile() {
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
  }
  wakes_.notify_one();
  thread_.join();
}

void LoadFile::serve() {
  std::unique_lock lock(mutex_);
  while (!wakes_.wait_for(lock, std::chrono::milliseconds(500), [&] { return ends_; })) write();
}

void LoadFile::write() {
  const auto load = cores_.load(Cores::Clock::now());
  const auto unfinished = path_ + ".new";
  {
    std::ofstream file(unfinished);
    file << "NPU load: ";
    for (std::size_t core = 0; core < load.size(); ++core) {
      char text[32];
      std::snprintf(text, sizeof text, " Core%zu: %2.0f%%,", core, 100 * load[core]);
      file << text;
    }
    file << "\n";
  }
  std::rename(unfinished.c_str(), path_.c_str());
}

}  // namespace osprey::sim
