// SPDX-License-Identifier: Apache-2.0
// Bytes to and from a peer, plain or over TLS, none of which can take for ever.
#pragma once

#include <osprey/result.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace osprey::serve {

using SteadyTime = std::chrono::steady_clock::time_point;

/// A connected socket. Threads: one.
class Channel {
 public:
  virtual ~Channel() = default;
  /// How many bytes came; 0: the peer ended it, `deadline` has passed, or it failed.
  virtual std::size_t read(char* bytes, std::size_t most, SteadyTime deadline) = 0;
  /// All of them, or false.
  virtual bool write(std::string_view bytes, SteadyTime deadline) = 0;
  virtual bool peer_left() const = 0;
};

/// A certificate and its key. Threads: any.
class TlsContext {
 public:
  /// Errors name the file and what was expected there. A key that needs a password is refused.
  static Result<std::unique_ptr<TlsContext>> load(const std::string& certificate_file,
                                                  const std::string& key_file);
  virtual ~TlsContext() = default;
  /// The channel after the handshake; nothing if that failed or `deadline` has passed.
  virtual std::unique_ptr<Channel> accept(int socket, SteadyTime deadline) = 0;
};

/// `socket` does not block and stays the caller's.
std::unique_ptr<Channel> plain_channel(int socket);

}  // namespace osprey::serve
