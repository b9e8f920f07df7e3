// SPDX-License-Identifier: Apache-2.0
// For tests: programs that serve, ports for them, and what is waited for.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <random>
#include <string>
#include <thread>

namespace osprey::media::testing_support {

/// A program that prints an address and serves there until it is killed.
class Peer {
 public:
  explicit Peer(const std::string& command) {
    output_ = ::popen(("echo $$; exec " + command).c_str(), "r");
    if (output_) pid_ = std::atoi(line().c_str());
    if (output_) address_ = line();
    EXPECT_NE(address_, "") << command << " does not run";
  }
  ~Peer() { kill(); }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  const std::string& address() const { return address_; }
  void kill() {
    if (pid_ > 0) ::kill(pid_, SIGKILL);
    if (output_) ::pclose(output_);
    pid_ = 0;
    output_ = nullptr;
  }

 private:
  std::string line() {
    std::array<char, 256> text{};
    if (!std::fgets(text.data(), text.size(), output_)) return "";
    const std::string read = text.data();
    return read.substr(0, read.find('\n'));
  }

  std::FILE* output_ = nullptr;
  pid_t pid_ = 0;
  std::string address_;
};

/// A port that nobody has. The kernel gives none of these to connections: it stays free while a
/// server that has it is away.
inline int free_port() {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::random_device random;
  std::uniform_int_distribution<std::uint16_t> ports(20'000, 30'000);
  do {
    address.sin_port = htons(ports(random));
  } while (::bind(socket, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0);
  ::close(socket);
  return ntohs(address.sin_port);
}

/// Whether `condition` comes true within `patience`.
inline bool eventually(const std::function<bool()>& condition,
                       std::chrono::milliseconds patience = std::chrono::seconds(60)) {
  const auto end = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

}  // namespace osprey::media::testing_support
