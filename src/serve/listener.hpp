// SPDX-License-Identifier: Apache-2.0
// The address a server is at.
#pragma once

#include <osprey/result.hpp>

#include <string>

namespace osprey::serve {

/// A socket that listens. Movable; closes.
class Listener {
 public:
  /// `address` is HOST:PORT, [IPv6]:PORT; HOST may be a name. kInvalidArgument says what was
  /// expected, or why the address cannot be had.
  static Result<Listener> open(const std::string& address);
  /// Whether others cannot reach `address`. Errors: those of open(), but not that it cannot be had.
  static Result<bool> is_loopback(const std::string& address);
  Listener(Listener&& other) noexcept;
  Listener& operator=(Listener&& other) = delete;
  ~Listener();
  /// Nobody connects any more.
  void close();

  int descriptor() const { return descriptor_; }
  int port() const { return port_; }
  const std::string& host() const { return host_; }  ///< as given
  bool loopback() const { return loopback_; }        ///< others cannot reach it

 private:
  Listener() = default;
  int descriptor_ = -1;
  int port_ = 0;
  std::string host_;
  bool loopback_ = false;
};

}  // namespace osprey::serve
