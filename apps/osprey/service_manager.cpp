// SPDX-License-Identifier: Apache-2.0
#include "service_manager.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <system_error>

namespace osprey::cli {

ServiceManager::ServiceManager() {
  const char* path = std::getenv("NOTIFY_SOCKET");  // NOLINT(concurrency-mt-unsafe)
  if (path == nullptr || std::strlen(path) >= sizeof(sockaddr_un::sun_path)) return;
  path_ = path;
  socket_ = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

ServiceManager::~ServiceManager() {
  if (socket_ >= 0) close(socket_);
}

void ServiceManager::reloading() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  tell("RELOADING=1\nMONOTONIC_USEC=" +
       std::to_string(now.tv_sec * 1'000'000 + now.tv_nsec / 1000));
}

void ServiceManager::alive() {
  const auto now = std::chrono::steady_clock::now();
  if (now - told_alive_ < std::chrono::seconds(5)) return;
  told_alive_ = now;
  tell("WATCHDOG=1");
}

void ServiceManager::tell(const std::string& state) const {
  if (socket_ < 0) return;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path_.data(), path_.size());
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';  // an abstract one
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path_.size());
  // A manager that does not listen is no reason to fail.
  [[maybe_unused]] const auto sent = sendto(socket_, state.data(), state.size(), MSG_NOSIGNAL,
                                            reinterpret_cast<const sockaddr*>(&address), length);
}

KeptAlive::KeptAlive(ServiceManager& manager) {
  try {
    thread_ = std::thread([this, &manager] { keep(manager); });
  } catch (const std::system_error&) {  // no thread to be had: most of it takes less than a minute
  }
}

KeptAlive::~KeptAlive() {
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }
  ending_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void KeptAlive::keep(ServiceManager& manager) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(30);
  std::unique_lock lock(mutex_);
  while (!ended_ && std::chrono::steady_clock::now() < end) {
    manager.alive();
    ending_.wait_for(lock, std::chrono::seconds(5));
  }
}

}  // namespace osprey::cli
