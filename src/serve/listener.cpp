// SPDX-License-Identifier: Apache-2.0
#include "serve/listener.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>
#include <utility>

#include "base/try.hpp"

namespace osprey::serve {
namespace {

struct FreeAddresses {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};

Error address_error(const std::string& address, const std::string& why) {
  return Error{ErrorCode::kInvalidArgument, "address: " + address + ": " + why};
}

bool is_loopback_address(const sockaddr* address) {
  if (address->sa_family == AF_INET) {
    const auto* const v4 = reinterpret_cast<const sockaddr_in*>(address);
    return (ntohl(v4->sin_addr.s_addr) >> 24) == 127;
  }
  const auto* const v6 = reinterpret_cast<const sockaddr_in6*>(address);
  return address->sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

int port_of(int descriptor) {
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  getsockname(descriptor, reinterpret_cast<sockaddr*>(&bound), &size);
  return ntohs(bound.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6&>(bound).sin6_port
                                           : reinterpret_cast<sockaddr_in&>(bound).sin_port);
}

struct Resolved {
  std::string host;  // as given
  std::unique_ptr<addrinfo, FreeAddresses> list;
};

Result<Resolved> resolve(const std::string& address) {
  static constexpr char kExpected[] = "expected HOST:PORT, as 127.0.0.1:8080 or [::1]:8080";
  const std::size_t colon = address.rfind(':');
  if (colon == std::string::npos || colon == 0) return address_error(address, kExpected);
  const std::string port = address.substr(colon + 1);
  int number = -1;
  const auto read = std::from_chars(port.data(), port.data() + port.size(), number);
  if (read.ec != std::errc{} || read.ptr != port.data() + port.size() || number < 0 ||
      number > 65535) {
    return address_error(address, kExpected);
  }
  Resolved resolved;
  resolved.host = address.substr(0, colon);
  std::string host = resolved.host;
  if (host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string::npos) {
    return address_error(address, kExpected);
  }

  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (const int failure = getaddrinfo(host.c_str(), port.c_str(), &hints, &found); failure != 0) {
    return address_error(address, gai_strerror(failure));
  }
  resolved.list.reset(found);
  return resolved;
}

}  // namespace

Result<bool> Listener::is_loopback(const std::string& address) {
  const auto resolved = OSPREY_TRY(resolve(address));
  return is_loopback_address(resolved.list->ai_addr);
}

Result<Listener> Listener::open(const std::string& address) {
  auto resolved = OSPREY_TRY(resolve(address));
  const addrinfo* const found = resolved.list.get();
  Listener listener;
  listener.host_ = std::move(resolved.host);
  listener.descriptor_ = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const int on = 1;
  if (listener.descriptor_ < 0 ||
      setsockopt(listener.descriptor_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      bind(listener.descriptor_, found->ai_addr, found->ai_addrlen) != 0 ||
      listen(listener.descriptor_, 128) != 0) {
    return address_error(address, std::strerror(errno));
  }
  listener.port_ = port_of(listener.descriptor_);
  listener.loopback_ = is_loopback_address(found->ai_addr);
  return listener;
}

Listener::Listener(Listener&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      port_(other.port_),
      host_(std::move(other.host_)),
      loopback_(other.loopback_) {}

Listener::~Listener() {
  close();
}

void Listener::close() {
  if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
}

}  // namespace osprey::serve
