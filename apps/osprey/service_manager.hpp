// SPDX-License-Identifier: Apache-2.0
// What systemd is told of a service (sd_notify); nothing where nobody listens.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

namespace osprey::cli {

class ServiceManager {
 public:
  ServiceManager();
  ~ServiceManager();
  ServiceManager(const ServiceManager&) = delete;
  ServiceManager& operator=(const ServiceManager&) = delete;

  void ready() { tell("READY=1"); }
  void reloading();
  void stopping() { tell("STOPPING=1"); }
  /// To be called again and again: without it a watchdog ends the service.
  void alive();

 private:
  void tell(const std::string& state) const;

  std::string path_;
  int socket_ = -1;
  std::chrono::steady_clock::time_point told_alive_{};
};

/// Says that the service is alive while its thread does what may take minutes, as compiling models;
/// for half an hour at most: what takes longer hangs. Nobody else calls `manager` meanwhile.
class KeptAlive {
 public:
  explicit KeptAlive(ServiceManager& manager);
  ~KeptAlive();
  KeptAlive(const KeptAlive&) = delete;
  KeptAlive& operator=(const KeptAlive&) = delete;

 private:
  void keep(ServiceManager& manager);

  std::mutex mutex_;  // guards:
  bool ended_ = false;
  std::condition_variable ending_;
  std::thread thread_;
};

}  // namespace osprey::cli
