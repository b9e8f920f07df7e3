// SPDX-License-Identifier: Apache-2.0
// For tests: programs that serve, and what is waited for.
#pragma once

#include <gtest/gtest.h>
#include <sys/types.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <functional>
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
  std::string port() const {
    const auto colon = address_.rfind(':');
    return address_.substr(colon + 1, address_.find('/', colon) - colon - 1);
  }
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

/// False if `condition` does not become true in 20 s.
inline bool eventually(const std::function<bool()>& condition) {
  for (int n = 0; n < 20'000; ++n) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
}

}  // namespace osprey::media::testing_support
