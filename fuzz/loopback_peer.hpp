// SPDX-License-Identifier: Apache-2.0
// A server on this machine that says what it is told to whoever connects.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

namespace osprey::fuzz {

/// Lives as long as the program. Each connection is given all bytes, then no more; what it says is
/// read until it ends.
class LoopbackPeer {
 public:
  LoopbackPeer() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener_, any, size) != 0 || ::listen(listener_, 16) != 0 ||
        ::getsockname(listener_, any, &size) != 0) {
      std::abort();
    }
    port_ = ntohs(address.sin_port);
    std::thread([this] { serve(); }).detach();
  }

  int port() const { return port_; }

  void say(std::string bytes) {
    const std::lock_guard lock(mutex_);
    bytes_ = std::move(bytes);
  }

 private:
  void serve() {
    while (true) {
      const int peer = ::accept(listener_, nullptr, nullptr);
      if (peer < 0) continue;
      std::string bytes;
      {
        const std::lock_guard lock(mutex_);
        bytes = bytes_;
      }
      const timeval patience{2, 0};
      ::setsockopt(peer, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
      ::setsockopt(peer, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
      std::array<char, 4096> heard;
      // Who is answered before it has asked does not listen.
      (void)!::recv(peer, heard.data(), heard.size(), 0);
      (void)!::send(peer, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      ::shutdown(peer, SHUT_WR);
      while (::recv(peer, heard.data(), heard.size(), 0) > 0) {
      }
      ::close(peer);
    }
  }

  const int listener_;
  int port_ = 0;
  std::mutex mutex_;
  std::string bytes_;
};

}  // namespace osprey::fuzz
