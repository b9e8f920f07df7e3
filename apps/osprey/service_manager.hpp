// SPDX-License-Identifier: Apache-2.0
// What systemd is told of a service (sd_notify); nothing where nobody listens.
#pragma once

#include <chrono>
#include <string>

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

}  // namespace osprey::cli
