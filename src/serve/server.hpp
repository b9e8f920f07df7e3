// SPDX-License-Identifier: Apache-2.0
// The server: dashboard, REST, live pictures and metrics of a Service, over HTTP or HTTPS.
#pragma once

#include <osprey/result.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "serve/service.hpp"

namespace osprey::serve {

struct ServerLimits {
  std::size_t header_bytes = std::size_t{16} * 1024;  ///< of one request, with its first line
  std::size_t body_bytes = std::size_t{256} * 1024;
  int connections = 64;                               ///< at once; each has a thread
  int connections_per_client = 32;                    ///< an IPv4 address or an IPv6 /64
  int viewers = 16;                                   ///< live pictures and event streams at once
  double requests_per_second = 50;                    ///< of one client, in the long run
  double burst = 200;                                 ///< requests a client may make at once
  double wrong_tokens_per_second = 0.5;               ///< of one client, in the long run
  double wrong_tokens_burst = 10;                     ///< wrong tokens a client may try at once
  std::chrono::milliseconds header_patience{10'000};  ///< for all of a request's header
  std::chrono::milliseconds body_patience{20'000};    ///< for all of its body
  std::chrono::milliseconds write_patience{10'000};   ///< for 64 KiB, or a picture, to be taken
  std::chrono::milliseconds idle{15'000};             ///< between two requests
};

struct ServerOptions {
  std::string address = "127.0.0.1:8080";  ///< HOST:PORT; port 0: any that is free
  std::string token_file;                  ///< holds the token; needed unless HOST is loopback
  std::string certificate_file;            ///< PEM, the chain; with key_file: HTTPS
  std::string key_file;
  /// Names by which browsers may call a server on loopback, besides localhost: those of a reverse
  /// proxy before it.
  std::vector<std::string> host_names;
  ServerLimits limits;
};

/// A server that runs. Threads: `serve` accepts, `serve-N` answer, one a connection, started when
/// needed. Secrets are in no answer and no message.
class Server {
 public:
  /// Returns when connections are accepted. kInvalidArgument names the option: an address that is
  /// none or is taken, no token for an address others can reach, a token shorter than 16 letters, a
  /// certificate and key that do not fit. `service` and `clock` (a real one) outlive the server.
  static Result<std::unique_ptr<Server>> start(const ServerOptions& options, Service& service,
                                               base::Clock& clock);
  /// What start() would find wrong before it listens; else hashes of what its files hold, which
  /// show whether a server that was started with them knows them as they are.
  static Result<std::string> check(const ServerOptions& options);
  virtual ~Server() = default;
  /// Where it is: "http://127.0.0.1:8080".
  virtual std::string address() const = 0;
  /// Ends all connections, within a second, and joins all threads. May be repeated; the destructor
  /// does it too.
  virtual void stop() = 0;
};

}  // namespace osprey::serve
